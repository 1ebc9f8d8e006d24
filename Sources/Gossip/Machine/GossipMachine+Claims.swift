// What nodes say of others: reason to look, never a verdict.

extension GossipMachine {
    /// What is wrong with a node, for itself to hear.
    func claims(about id: NodeID) -> [Claim] {
        if id != me, let slot = nodes.slot(of: id.digestHash) {
            // A node that said itself that it left knows; one that writes to us after that has to return properly.
            guard nodes.entries[slot].state != .alive else { return [] }
            let entry = nodes.entries[slot]
            return [Claim(node: id, version: wireVersion(entry.identityVersion), state: entry.state)]
        }
        guard !tombstones.isEmpty, let grave = tombstones[id.digestHash] else { return [] }
        return [Claim(node: id, version: Version(generation: grave.generation, sequence: 0), state: grave.state)]
    }

    /// What the receiver of a message, or of the reply to it, should know besides: that some of the nodes that it is about do
    /// not answer. A round is about all of them, so that whoever missed an announcement hears of fresh trouble there.
    func claims(with body: Message.Body) -> [Claim] {
        switch body {
        case .summary:
            guard !troubles.isEmpty || !nodes.down.isEmpty else { return [] }
            let fresh = troubles.reversed().lazy.filter { hash in
                nodes.slot(of: hash).map { now.seconds(since: nodes.entries[$0].stateSince) <= settings.troubleSeconds }
                    ?? false
            }
            let latest = max(settings.troubleClaims / 2, settings.troubleClaims - nodes.down.count)
            let claims = Array(fresh.prefix(latest)).compactMap { trouble(with: $0) }
            // And as many of all verdicts: whoever missed what was said of them hears of them in time.
            let room = min(settings.troubleClaims - claims.count, nodes.down.count)
            guard room > 0 else { return claims }
            // From another one on each time and at each node: what all say at one time is heard by few.
            let start = Int(mix64(counters.exchangesBegun ^ myHash) % UInt64(nodes.down.count))
            let older = (0..<room).compactMap { step in
                trouble(with: nodes.entries[nodes.down[(start + step) % nodes.down.count]].hash)
            }
            return claims + older.filter { !claims.contains($0) }
        case .delta(let delta):
            guard !troubles.isEmpty || !nodes.down.isEmpty else { return [] }
            return delta.items.compactMap { $0.kind == .identity ? trouble(with: $0.origin) : nil }
        case .probe(let target): return trouble(with: target.digestHash).map { [$0] } ?? []
        default: return []
        }
    }

    private func trouble(with hash: UInt64) -> Claim? {
        guard let entry = nodes[hash], entry.state == .suspect || entry.state == .unreachable else { return nil }
        // What others told us first they tell others too.
        if let suspicion = entry.suspicion, !suspicion.isOwn { return nil }
        return Claim(node: entry.id, version: wireVersion(entry.identityVersion), state: entry.state)
    }

    mutating func apply(_ claims: [Claim], from peer: NodeID, _ authority: some RecordAuthority) {
        guard !claims.isEmpty, !criesWolf(peer) else { return }
        let isHeeded = !isQuarantined(peer)
        for claim in claims.prefix(WireLimits.claims) {
            if claim.node == me {
                // Also from one that we have buried, as it may have us.
                refute(claim, authority)
            } else if isHeeded, claim.state == .suspect || claim.state == .unreachable, claim.node != peer {
                consider(claim, by: peer)
            }
        }
    }

    private func criesWolf(_ peer: NodeID) -> Bool { standings[peer.digestHash]?.criesWolf(settings) ?? false }

    /// Another's word against a node is no verdict: it makes us look for ourselves.
    private mutating func consider(_ claim: Claim, by peer: NodeID) {
        guard !hasLeft, let entry = nodes[claim.node], isNoOlder(claim.version, than: wireVersion(entry.identityVersion))
        else {
            return
        }
        // Who says so first hand may have heard of an identity that is still on its way to us.
        if !claim.isHearsay { nodes.touch(entry.hash) { $0.accused = max($0.accused, claim.version) } }
        switch entry.state {
        case .alive:
            if entry.answered(within: settings.periodSeconds * 3, of: now) {
                warn(claim)
            } else if broughtIn.contains(entry.hash), claim.state == .unreachable, !claim.isHearsay {
                // Both the node and its trouble came with this very message: take the word until we have tried.
                setState(entry.hash, .unreachable)
            } else {
                doubt(claim, entry.hash, by: peer)
            }
        case .suspect:
            if !claim.isHearsay { nodes.touch(entry.hash) { _ = $0.suspicion?.confirm(by: peer) } }
            if claim.state == .unreachable, entry.suspicion?.isDecided == false {
                nodes.touch(entry.hash) { $0.suspicion?.isDecided = true }
                passOn(claim)
            }
        case .unreachable, .dead, .left: break
        }
    }

    /// Whether a claim is about an identity that we hold, or about one that may be on its way to us.
    private func isNoOlder(_ version: Version, than held: Version) -> Bool {
        version.generation == held.generation
            && (held.sequence...held.sequence + GossipMachine.identitiesOnTheirWay).contains(version.sequence)
    }

    static let identitiesOnTheirWay: UInt64 = 4

    /// Remembers who says so and has the node tried: soon by those whom the accuser told, in their turn by all once there is a verdict.
    private mutating func doubt(_ claim: Claim, _ hash: UInt64, by peer: NodeID) {
        let isDecided = claim.state != .suspect
        var doubt = doubts[hash].flatMap { $0.until > now ? $0 : nil }
        let isNews = isDecided && !(doubt?.isDecided ?? false)
        if doubt == nil {
            guard doubts.count < GossipMachine.doubtsAllowed else { return }
            let delay = isDecided ? random.unit() * Double(nodes.count) / settings.triesPerSecond : 0
            doubt = Doubt(
                accusers: [], bringer: peer, since: now, until: now.adding(seconds: settings.troubleSeconds),
                tryAt: now.adding(seconds: delay),
                isDecided: isDecided)
            urgentProbes.append(hash)
        }
        guard var doubt else { return }
        doubt.isDecided = doubt.isDecided || isDecided
        if !claim.isHearsay, doubt.accusers.count < settings.suspicionConfirmations, !doubt.accusers.contains(peer) {
            doubt.accusers.append(peer)
        }
        doubts[hash] = doubt
        if isNews { passOn(claim) }
    }

    /// A verdict goes on at once, unchecked and marked so, for all to look for themselves.
    private mutating func passOn(_ claim: Claim) {
        guard hearsayInRound < GossipMachine.hearsayAllowed else { return }
        hearsayInRound += 1
        var hearsay = claim
        hearsay.isHearsay = true
        tell(hearsay)
    }

    /// Verdicts of others that are passed on in one round.
    private static let hearsayAllowed = 64

    /// A doubted node was heard: those who accused it of their own finding were wrong, and a little so is whoever brought hearsay.
    mutating func acquit(_ hash: UInt64) {
        guard let doubt = doubts.removeValue(forKey: hash) else { return }
        for accuser in doubt.accusers { standings[accuser.digestHash]?.wasWrong(1, settings, now: now) }
        if doubt.accusers.isEmpty { standings[doubt.bringer.digestHash]?.wasWrong(0.25, settings, now: now) }
    }

    /// Nodes doubted at once for what others say.
    static let doubtsAllowed = 1024

    /// The accused is told first: it answers us, and a newer identity of it refutes the claim everywhere.
    private mutating func warn(_ claim: Claim) {
        let hash = claim.node.digestHash
        if let last = nodes[hash]?.warnedAt, now.seconds(since: last) < settings.refutationSeconds { return }
        nodes.touch(hash) { $0.warnedAt = now }
        exchange(with: hash, .ping, .warn, claims: [claim])
    }

    /// A version as a claim can say it.
    func wireVersion(_ version: Version) -> Version {
        Version(
            generation: min(version.generation, DigestEntry.maximumGeneration),
            sequence: min(version.sequence, DigestEntry.maximumSequence(of: .identity)))
    }
}
