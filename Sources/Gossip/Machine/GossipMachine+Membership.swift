// alive → suspect → unreachable → dead → forgotten, and back: by an exchange or a newer identity, and from `dead` and
// `left` only by a higher generation that the node itself signed.

extension GossipMachine {
    /// An exchange with it went through.
    mutating func heard(from id: NodeID) {
        guard id != me else { return }
        heard(from: id.digestHash)
    }

    mutating func heard(from hash: UInt64) {
        guard let state = nodes.state(of: hash) else { return }
        anyoneHeardAt = now
        var unexplained = 0
        nodes.touch(hash) {
            $0.provenAt = now
            $0.heardAt = now
            $0.failedAt = nil
            unexplained = $0.unexplained
            $0.unexplained = 0
        }
        // It lives: so these tries failed for nothing.
        for _ in 0..<min(unexplained, GossipMachine.lossesAtOnce) { losses.learn(failed: true) }
        if !indirect.isEmpty { indirect[hash] = nil }
        if !doubts.isEmpty { acquit(hash) }
        if state == .suspect || state == .unreachable { setState(hash, .alive) }
    }

    mutating func setState(_ hash: UInt64, _ state: NodeState) {
        guard let entry = nodes[hash], entry.state != state else { return }
        nodes.update(hash) {
            $0.state = state
            $0.stateSince = now
            // One that was held for unreachable may well have been.
            if state == .alive, entry.state == .suspect { $0.wasWronged(settings, now: now) }
            if state != .suspect { $0.suspicion = nil }
            if state == .suspect { $0.accused = max($0.accused, $0.identityVersion) }
            if state == .unreachable { $0.unexplained = 0 }
        }
        switch state {
        case .alive:
            claimsToTell.removeAll { $0.node == entry.id }
            troubles.removeAll { $0 == hash }
        case .suspect, .unreachable:
            troubles.removeAll { $0 == hash }
            troubles.append(hash)
            if state == .unreachable { retireAt = min(retireAt, now.adding(seconds: settings.deadAfterSeconds)) }
        case .dead, .left:
            troubles.removeAll { $0 == hash }
            retireAt = min(retireAt, now.adding(seconds: settings.forgetAfterSeconds))
        }
        directives.append(.changed(.nodeState(entry.id, from: entry.state, to: state)))
    }

    // MARK: - Verdicts

    /// Our own finding, by direct and indirect tries, that a node does not answer.
    ///
    /// - Parameter failures: own tries that failed so far.
    mutating func suspect(_ hash: UInt64, failures: Int = 1) {
        guard let entry = nodes[hash], entry.state == .alive, hash != myHash else { return }
        let count = nodes.live.count + 1
        let decades = max(1, binaryLogarithm(Double(count)) / binaryLogarithm(10))
        let least = settings.suspicionMultiplier * decades * settings.periodSeconds
        // With too few others to confirm anything, waiting for them is no use (memberlist's rule).
        let needed = count - 2 < settings.suspicionConfirmations ? 0 : settings.suspicionConfirmations
        let doubt = doubts.removeValue(forKey: hash)
        var suspicion = Suspicion(
            startedAt: doubt?.since ?? now, leastSeconds: least, mostSeconds: least * settings.suspicionMaximumMultiplier,
            needed: needed,
            accusers: [me])
        suspicion.failures = failures
        suspicion.isOwn = doubt == nil
        suspicion.isDecided = doubt?.isDecided ?? false
        for accuser in doubt?.accusers ?? [] { _ = suspicion.confirm(by: accuser) }
        setState(hash, .suspect)
        nodes.touch(hash) { $0.suspicion = suspicion }
        let claim = Claim(node: entry.id, version: wireVersion(entry.identityVersion), state: .suspect)
        guard let doubt else { return tell(claim) }
        // Whoever told us is to know that we found the same: that is what makes its verdict.
        if !doubt.isDecided {
            for accuser in doubt.accusers { exchange(with: accuser.digestHash, .ping, .report, claims: [claim]) }
        }
    }

    /// A newer identity of a node that was accused: it has answered whatever was said of it.
    ///
    /// Where the network loses much, an identity may come by way of others long after it was signed, and its node may have died since: one
    /// that does not answer us is tried again first.
    mutating func exonerate(_ hash: UInt64, from peer: NodeID) {
        doubts[hash] = nil
        guard isLossy, let entry = nodes[hash], entry.state == .unreachable, entry.id != peer,
            let failedAt = entry.failedAt, now.seconds(since: failedAt) < settings.troubleSeconds
        else { return setState(hash, .alive) }
        var suspicion = Suspicion(startedAt: now, leastSeconds: 0, mostSeconds: 0, needed: 0, accusers: [me])
        suspicion.isOwn = false
        suspicion.isDecided = true
        setState(hash, .suspect)
        nodes.touch(hash) { $0.suspicion = suspicion }
    }

    /// A verdict needs time for a refutation, and evidence of our own: on a network where half of all tries fail, one failure says
    /// little.
    mutating func advanceSuspicions() {
        guard !nodes.suspected.isEmpty || doubtSince != nil else { return }
        let due = nodes.suspected.filter { hash in
            guard let suspicion = nodes[hash]?.suspicion else { return false }
            let bits = losses.bits(against: hash)
            if suspicion.isDecided { return Double(suspicion.failures) * bits >= settings.ownEvidenceBits }
            guard suspicion.deadline <= now else { return false }
            if bits >= 2 { return Double(suspicion.findings) * bits >= settings.evidenceBits }
            let evidence = isSilent(since: suspicion.startedAt) ? silence : Double(suspicion.failures) * bits
            return evidence >= settings.lossyEvidenceBits
        }
        let clear = due.filter { hash in nodes[hash]?.suspicion.map { !maybeOurFault($0) } ?? false }
        guard !isInDoubt(mostLookDead || (clear.isEmpty && !due.isEmpty)) else { return }
        for hash in clear {
            let isNews = nodes[hash]?.suspicion.map { !$0.isDecided } ?? false
            setState(hash, .unreachable)
            guard isNews, let entry = nodes[hash] else { continue }
            tell(Claim(node: entry.id, version: wireVersion(entry.identityVersion), state: .unreachable))
        }
    }

    /// Whether nobody at all was heard since.
    private func isSilent(since time: Instant) -> Bool { anyoneHeardAt.map { $0 <= time } ?? true }

    /// Evidence that we do not reach the others, whoever's fault it is, while nobody at all answers. All tries speak of that together.
    private var silence: Double {
        let failures = nodes.suspected.reduce(0) { $0 + (nodes[$1]?.suspicion?.failures ?? 0) }
        return Double(failures) * losses.bitsInSilence
    }

    // MARK: - Doubt

    /// Whether nobody at all was heard since: then it may be us who are cut off. That thought has its time.
    private func maybeOurFault(_ suspicion: Suspicion) -> Bool {
        guard suspicion.needed > 0, now.seconds(since: suspicion.startedAt) < settings.doubtSeconds else { return false }
        return isSilent(since: suspicion.startedAt)
    }

    /// Until when doubt holds verdicts back; the past if there is none.
    private var heldBackUntil: Instant { doubtSince?.adding(seconds: settings.doubtSeconds) ?? now }

    /// When most others seem dead at once, the likelier fault is here. That thought has its time too: then verdicts go on.
    private mutating func isInDoubt(_ isLikelyOurs: Bool) -> Bool {
        guard isLikelyOurs else {
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
        let gone = troubles.reduce(0) { sum, hash in
            guard let entry = nodes[hash], entry.state == .unreachable, entry.provenAt != nil else { return sum }
            return now.seconds(since: entry.stateSince) < settings.doubtSeconds ? sum + 1 : sum
        }
        let lately = nodes.live.count + gone
        return lately >= settings.doubtPeers && (nodes.suspected.count + gone) * 2 > lately
    }

    // MARK: - The end

    /// Slow changes: unreachable for long is dead, dead for long is forgotten. Looked at when the first is due.
    mutating func retireOldStates() {
        let lately = max(settings.troubleSeconds, settings.doubtSeconds)
        while let oldest = troubles.first, let entry = nodes[oldest], entry.state != .suspect,
            now.seconds(since: entry.stateSince) > lately
        {
            troubles.removeFirst()
        }
        guard now >= retireAt else { return }
        for slot in nodes.down.sorted() + nodes.left.sorted() {
            let entry = nodes.entries[slot]
            guard now.seconds(since: entry.stateSince) >= patience(with: entry) else { continue }
            if entry.state == .unreachable { setState(entry.hash, .dead) }
        }
        let over = (nodes.down + nodes.left).map { nodes.entries[$0] }.filter {
            $0.state != .unreachable && now.seconds(since: $0.stateSince) >= patience(with: $0)
        }
        for entry in over { bury(entry.hash) }
        tombstones = tombstones.filter { !isPast($0.value.endsAt) }
        let next = (nodes.down + nodes.left).map { slot in
            nodes.entries[slot].stateSince.adding(seconds: patience(with: nodes.entries[slot]))
        }
        retireAt = min(next.min() ?? .distantFuture, now.adding(seconds: GossipMachine.graveRounds))
    }

    /// Seconds between two looks at the graves.
    private static let graveRounds = 60.0

    /// Seconds that a node keeps a state that ends by itself.
    private func patience(with entry: NodeEntry) -> Double {
        switch entry.state {
        case .unreachable: settings.deadAfterSeconds
        // A node whose last catalog lets others submit to its endpoints is kept for that.
        case .dead: entry.offersEndpoints ? settings.offerKeptSeconds : settings.forgetAfterSeconds
        case .alive, .suspect, .left: settings.forgetAfterSeconds
        }
    }

    /// Forgets a node but for its generation.
    mutating func bury(_ hash: UInt64) {
        guard let entry = nodes[hash] else { return }
        if tombstones.count >= settings.maximumTombstones,
            let oldest = tombstones.min(by: { ($0.value.endsAt, $0.key) < ($1.value.endsAt, $1.key) })
        {
            tombstones[oldest.key] = nil
        }
        tombstones[hash] = Tombstone(
            generation: entry.generation, state: entry.state, endsAt: entry.identity?.certificateExpires ?? wallSeconds)
        remove(hash)
        directives.append(.changed(.forgotten(entry.id)))
    }
}

extension NodeEntry {
    fileprivate var offersEndpoints: Bool {
        catalogRecord?.record.catalog?.models.contains { $0.direct != nil } ?? false
    }
}

extension Instant {
    static let distantFuture = Instant(nanoseconds: .max)
}
