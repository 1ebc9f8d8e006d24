// alive → suspect → unreachable → dead → forgotten, and back: by an exchange or a newer identity, and from `dead` and
// `left` only by a higher generation that the node itself signed.

extension GossipMachine {
    /// An exchange with it went through.
    mutating func heard(from id: NodeID) {
        guard id != me, let entry = nodes[id] else { return }
        nodes[id]?.provenAt = now
        nodes[id]?.heardAt = now
        nodes[id]?.failedAt = nil
        indirect[id] = nil
        if entry.state == .suspect || entry.state == .unreachable { setState(id, .alive) }
    }

    mutating func setState(_ id: NodeID, _ state: NodeState) {
        guard let old = nodes[id]?.state, old != state else { return }
        nodes[id]?.state = state
        nodes[id]?.stateSince = now
        if state == .suspect {
            suspected.insert(id, at: suspected.firstIndex { $0 > id } ?? suspected.endIndex)
        } else {
            nodes[id]?.suspicion = nil
            suspected.removeAll { $0 == id }
        }
        if state == .alive, id != me, !probeOrder.contains(id) {
            probeOrder.insert(id, at: Int.random(in: 0...probeOrder.count, using: &random))
        }
        if state == .alive { claimsToTell.removeAll { $0.node == id } }
        summaryCache = nil
        directives.append(.changed(.nodeState(id, from: old, to: state)))
    }

    // MARK: - Claims

    /// What is wrong with a node, for itself to hear.
    func claims(about id: NodeID) -> [Claim] {
        if let entry = nodes[id], id != me {
            // A node that said itself that it left knows; one that writes to us after that has to return properly.
            guard entry.state != .alive else { return [] }
            return [Claim(node: id, version: wireVersion(entry.identityVersion), state: entry.state)]
        }
        guard let grave = tombstones[id.digestHash] else { return [] }
        return [Claim(node: id, version: Version(generation: grave.generation, sequence: 0), state: grave.state)]
    }

    /// What the receiver of a message, or of the reply to it, should know besides: that some of the nodes that it is about do
    /// not answer. A round is about all of them, so that whoever missed an announcement hears of fresh trouble there.
    func claims(with body: Message.Body) -> [Claim] {
        switch body {
        case .summary:
            let fresh = order.filter { id in
                nodes[id].map { isInTrouble($0) && now.seconds(since: $0.stateSince) <= settings.troubleSeconds } ?? false
            }
            let latest = fresh.sorted { (nodes[$0]?.stateSince ?? now, $0) > (nodes[$1]?.stateSince ?? now, $1) }
            return latest.prefix(settings.troubleClaims).compactMap(trouble)
        case .delta(let delta):
            return delta.items.compactMap { $0.kind == .identity ? nodeByHash[$0.origin].flatMap(trouble) : nil }
        case .probe(let target): return trouble(with: target).map { [$0] } ?? []
        default: return []
        }
    }

    private func trouble(with id: NodeID) -> Claim? {
        guard let entry = nodes[id], isInTrouble(entry) else { return nil }
        return Claim(node: id, version: wireVersion(entry.identityVersion), state: entry.state)
    }

    private func isInTrouble(_ entry: NodeEntry) -> Bool { entry.state == .suspect || entry.state == .unreachable }

    mutating func apply(_ claims: [Claim], from peer: NodeID, _ authority: some RecordAuthority) {
        for claim in claims.prefix(WireLimits.claims) {
            if claim.node == me {
                refute(claim, authority)
            } else if claim.state != .alive, claim.state != .left, claim.node != peer {
                consider(claim, by: peer)
            }
        }
    }

    /// Another's word against a node is no verdict: it makes us look for ourselves.
    private mutating func consider(_ claim: Claim, by peer: NodeID) {
        guard !hasLeft, let entry = nodes[claim.node], claim.version == wireVersion(entry.identityVersion) else { return }
        switch entry.state {
        case .alive:
            if entry.answered(within: settings.periodSeconds * 3, of: now) {
                warn(claim)
            } else if entry.provenAt == nil, entry.stateSince == now, claim.state != .suspect {
                // Both the node and its trouble are new to us: take the word until we have tried.
                setState(claim.node, .unreachable)
            } else {
                suspect(claim.node, by: peer)
                urgentProbes.removeAll { $0 == claim.node }
                urgentProbes.insert(claim.node, at: 0)
            }
        case .suspect: confirm(claim.node, by: peer)
        case .unreachable, .dead, .left: break
        }
    }

    /// The accused is told first: it answers us, and a newer identity of it refutes the claim everywhere.
    private mutating func warn(_ claim: Claim) {
        if let last = nodes[claim.node]?.warnedAt, now.seconds(since: last) < settings.periodSeconds { return }
        nodes[claim.node]?.warnedAt = now
        exchange(with: claim.node, .ping, .probe, claims: [claim])
    }

    // MARK: - Verdicts

    mutating func suspect(_ id: NodeID, by accuser: NodeID) {
        guard let entry = nodes[id], entry.state == .alive, id != me else { return }
        let count = peers(.alive, .suspect).count + 1
        let decades = max(1, binaryLogarithm(Double(count)) / binaryLogarithm(10))
        let least = settings.suspicionMultiplier * decades * settings.periodSeconds
        // With too few others to confirm anything, waiting for them is no use (memberlist's rule).
        let needed = count - 2 < settings.suspicionConfirmations ? 0 : settings.suspicionConfirmations
        setState(id, .suspect)
        nodes[id]?.suspicion = Suspicion(
            startedAt: now, leastSeconds: least, mostSeconds: least * settings.suspicionMaximumMultiplier, needed: needed,
            accusers: [accuser])
        accuse(id)
    }

    mutating func confirm(_ id: NodeID, by accuser: NodeID) {
        guard nodes[id]?.suspicion?.confirm(by: accuser) ?? false else { return }
        // Our own finding is news to the others; what they told us is not.
        if accuser == me { accuse(id) }
    }

    /// Tells the accused and a few others.
    private mutating func accuse(_ id: NodeID) {
        guard let entry = nodes[id] else { return }
        tell(Claim(node: id, version: wireVersion(entry.identityVersion), state: entry.state))
    }

    mutating func advanceSuspicions() {
        let due = suspected.filter { id in nodes[id]?.suspicion.map { $0.deadline <= now } ?? false }
        guard !due.isEmpty else {
            if doubtSince != nil, !mostLookDead { endDoubt() }
            return
        }
        guard !isInDoubt() else { return }
        for id in due { setState(id, .unreachable) }
    }

    /// Until when doubt holds verdicts back; the past if there is none.
    var heldBackUntil: Instant {
        doubtSince?.adding(seconds: settings.doubtSeconds) ?? now
    }

    /// When most others seem dead at once, the likelier fault is here. That thought has its time too: then verdicts go on.
    private mutating func isInDoubt() -> Bool {
        guard mostLookDead else {
            endDoubt()
            return false
        }
        if doubtSince == nil {
            doubtSince = now
            directives.append(.log(.doubting(true)))
        }
        return now < heldBackUntil
    }

    private mutating func endDoubt() {
        guard doubtSince != nil else { return }
        doubtSince = nil
        directives.append(.log(.doubting(false)))
    }

    /// Whether more than half of those lately alive are suspect or just became unreachable.
    private var mostLookDead: Bool {
        var lately = 0
        var missing = 0
        for (id, entry) in nodes where id != me {
            switch entry.state {
            case .alive: lately += 1
            case .suspect:
                lately += 1
                missing += 1
            case .unreachable where now.seconds(since: entry.stateSince) < settings.doubtSeconds && entry.provenAt != nil:
                lately += 1
                missing += 1
            default: break
            }
        }
        return lately >= settings.doubtPeers && missing * 2 > lately
    }

    // MARK: - The end

    /// Whether the last catalog of a node lets others submit to its endpoints.
    private func offersEndpoints(_ id: NodeID) -> Bool {
        guard case .catalog(let catalog) = nodes[id]?[.catalog]?.signed.record.body else { return false }
        return catalog.models.contains { $0.direct != nil }
    }

    /// Slow changes, looked at once a round: unreachable for long is dead, dead for long is forgotten.
    mutating func retireOldStates() {
        for id in order where id != me {
            guard let entry = nodes[id] else { continue }
            let age = now.seconds(since: entry.stateSince)
            switch entry.state {
            case .unreachable where age >= settings.deadAfterSeconds: setState(id, .dead)
            case .dead where age >= (offersEndpoints(id) ? settings.offerKeptSeconds : settings.forgetAfterSeconds): bury(id)
            case .left where age >= settings.forgetAfterSeconds: bury(id)
            default: break
            }
        }
        if tombstones.contains(where: { isPast($0.value.endsAt) }) {
            tombstones = tombstones.filter { !isPast($0.value.endsAt) }
        }
    }

    /// Forgets a node but for its generation.
    mutating func bury(_ id: NodeID) {
        guard let entry = nodes[id] else { return }
        if tombstones.count >= settings.maximumTombstones,
            let oldest = tombstones.min(by: { ($0.value.endsAt, $0.key) < ($1.value.endsAt, $1.key) })
        {
            tombstones[oldest.key] = nil
        }
        tombstones[entry.hash] = Tombstone(
            generation: entry.generation, state: entry.state, endsAt: entry.identity?.certificateExpires ?? wallSeconds)
        remove(id)
        directives.append(.changed(.forgotten(id)))
    }

    /// A version as a claim can say it.
    private func wireVersion(_ version: Version) -> Version {
        Version(
            generation: min(version.generation, DigestEntry.maximumGeneration),
            sequence: min(version.sequence, DigestEntry.maximumSequence(of: .identity)))
    }
}
