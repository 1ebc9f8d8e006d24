// Rounds and failure detection, after SWIM (Das, Gupta, Motivala 2002) and Lifeguard (arXiv 1707.00788).

extension GossipMachine {
    /// One live peer in shuffled turn, so that each is tried within as many rounds as there are peers; now and then a seed,
    /// and one of those that are down, so that a healed partition joins again.
    mutating func beginRound() {
        catchUpsLeft = settings.catchUpRounds
        if keepsActiveView { active.refresh(nodes, me: myHash, settings: settings, now: now, random: &random) }
        if let next = nextProbe() { probe(next) }
        watchNeighbour()
        let live = nodes.live.count
        if live == 0 {
            trySeeds(settings.seedFanout)
        } else if random.unit() < settings.seedProbability {
            trySeeds(1)
        }
        guard !nodes.down.isEmpty else { return }
        let share = Double(nodes.down.count) / Double(live + 1)
        if random.unit() < max(settings.downProbability, share) {
            let hash = nodes.entries[nodes.down[Int.random(in: 0..<nodes.down.count, using: &random)]].hash
            if !isBusy(hash) { probe(hash) }
        }
    }

    private mutating func probe(_ hash: UInt64) {
        if standings[hash]?.isGreylisted ?? false {
            exchange(with: hash, .ping, .probe)
        } else {
            exchange(with: hash, .summary(nodes.hashes.summary), .probe)
        }
    }

    /// In a large mesh chance alone would leave some node unprobed for many seconds: the next on the ring is looked at in every round.
    private mutating func watchNeighbour() {
        guard keepsActiveView, let next = active.neighbours.first, nodes.state(of: next) == .alive, !isBusy(next)
        else { return }
        exchange(with: next, .ping, .probe)
    }

    private mutating func nextProbe() -> UInt64? {
        for _ in 0..<2 {
            while let hash = probeOrder.popLast() {
                // The mesh may have grown, and the view turned, since the order was drawn.
                if keepsActiveView, !active.isEmpty, !active.holds(hash) { continue }
                if nodes.isLive(hash), !isBusy(hash) { return hash }
            }
            probeOrder = partners().shuffled(using: &random)
        }
        return nil
    }

    /// Whether a probe of it is under way.
    private func isBusy(_ hash: UInt64) -> Bool {
        guard !pending.isEmpty, let slot = nodes.slot(of: hash) else { return false }
        let id = nodes.entries[slot].id
        return pending.contains { $0.value.purpose == .probe && $0.value.contact.node == id }
    }

    // MARK: - Looking at those in doubt

    /// Tries suspected nodes, for evidence or for their relief, a few at a time.
    mutating func trySuspects() {
        guard !nodes.suspected.isEmpty || !indirect.isEmpty else { return }
        var underWay: [NodeID: Int] = [:]
        for exchange in pending.values where exchange.purpose == .verify {
            if let id = exchange.contact.node { underWay[id, default: 0] += 1 }
        }
        // Those of whom others are just asked are tried by us too.
        let tried = nodes.suspected + (indirect.isEmpty ? [] : indirect.keys.sorted())
        for hash in random.pick(settings.suspectTries, of: tried) {
            // Whoever is only slow must not drown in tries.
            guard let entry = nodes[hash], underWay[entry.id] ?? 0 < triesUnderWay(of: entry) else { continue }
            exchange(with: hash, .ping, .verify)
        }
    }

    /// Tries of one suspected node at a time. Those who found it themselves look the closest; on a network that loses much, many tries
    /// are needed in little time.
    private func triesUnderWay(of entry: NodeEntry) -> Int {
        guard !isLossy else { return 10 }
        return entry.suspicion?.isOwn ?? true ? 3 : 1
    }

    /// Seconds between two tries of a suspect. Closer together where many are needed: whoever lives ends them with its second or third.
    var suspectTrySpacing: Double { settings.periodSeconds * settings.suspectTryPeriods / (isLossy ? 2 : 1) }

    /// Tries those of whom others say something, each once and in its time.
    mutating func tryDoubted() {
        guard !urgentProbes.isEmpty else { return }
        if !doubts.isEmpty, doubts.contains(where: { $0.value.until <= now }) {
            doubts = doubts.filter { $0.value.until > now }
        }
        urgentProbes.removeAll { hash in nodes.state(of: hash) != .alive || doubts[hash] == nil }
        var tried = 0
        urgentProbes = urgentProbes.filter { hash in
            guard let doubt = doubts[hash], doubt.tryAt <= now, tried < settings.suspectTries,
                exchange(with: hash, .ping, .look)
            else { return true }
            tried += 1
            return false
        }
    }

    // MARK: - Seeds

    private mutating func trySeeds(_ count: Int) {
        let isAlone = nodes.live.isEmpty
        let busy = pending.values.map(\.contact.address)
        let open = seeds.filter { seed in
            guard !busy.contains(seed.address), isAlone || !seed.isRemembered else { return false }
            guard let node = seed.node, let entry = nodes[node] else { return true }
            return !entry.isLive
        }
        guard !open.isEmpty else { return }
        for offset in 0..<min(count, open.count) {
            let seed = open[(seedIndex + offset) % open.count]
            // Someone else may answer there by now, so whoever it was is not insisted on.
            exchange(with: Contact(node: nil, address: seed.address), .summary(nodes.hashes.summary), .probe)
        }
        seedIndex = (seedIndex + count) % max(seeds.count, 1)
    }

    mutating func noteSeed(_ address: String, is node: NodeID) {
        guard let index = seeds.firstIndex(where: { $0.address == address }) else { return }
        guard node != me else {
            seeds.remove(at: index)
            directives.append(.log(.seedIsSelf(address: address)))
            return
        }
        seeds[index].node = node
    }

    // MARK: - Failure

    mutating func failed(_ exchange: PendingExchange) {
        counters.exchangesFailed += 1
        guard !exchange.isBlameless else { return }
        switch exchange.purpose {
        case .probe, .announce, .look, .verify:
            if let id = exchange.contact.node { failedDirectly(id.digestHash, exchange.purpose) }
        case .relay(let target, let asker):
            nodes.touch(target.digestHash) { $0.failedAt = now }
            report(target, reachable: false, to: asker)
        case .ask, .report, .warn:
            if let id = exchange.contact.node { nodes.touch(id.digestHash) { $0.failedAt = now } }
        case .transfer:
            break
        }
    }

    /// Failures of one node that the mean takes at once, when it is heard again.
    static let lossesAtOnce = 8

    /// A small exchange with it failed: let others try before we suspect it.
    private mutating func failedDirectly(_ hash: UInt64, _ purpose: PendingExchange.Purpose) {
        guard let entry = nodes[hash] else { return }
        // What was sent to whoever was in turn says something of the network. What was sent because a node was in doubt does not.
        let isSample = entry.isLive && (purpose == .probe || purpose == .announce)
        nodes.touch(hash) {
            $0.failedAt = now
            if isSample { $0.unexplained += 1 }
        }
        if isSample { losses.note(hash, failed: true) }
        if entry.state == .suspect {
            nodes.touch(hash) { $0.suspicion?.failures += 1 }
            return
        }
        guard entry.state == .alive else { return }
        if indirect[hash] != nil {
            indirect[hash]?.failures += 1
            return
        }
        if doubts[hash] != nil {
            // Others have found the same: that is the indirect try.
            suspect(hash)
            return
        }
        let helpers = helpers(for: entry)
        guard !helpers.isEmpty else {
            healthPenalty = min(healthPenalty + 1, settings.maximumHealthPenalty)
            suspect(hash)
            return
        }
        // The helper needs a first try's time for the target, and we some for the helper.
        let patience = settings.probeTimeoutSeconds * timeoutStretch * 0.7
        let asked = helpers.filter { exchange(with: $0.digestHash, .probe(entry.id), .ask(target: entry.id)) }
        indirect[hash] = IndirectProbe(
            helpers: asked.sorted(), asked: asked.count, deadline: now.adding(seconds: patience))
    }

    /// Peers to try for us, of other sites than the target's where there are such: what cuts a site off cuts off all of it.
    private mutating func helpers(for target: NodeEntry) -> [NodeID] {
        let able = partners().compactMap { hash -> NodeID? in
            guard hash != target.hash, let entry = nodes[hash], entry.state == .alive, !entry.hasFailedLately else {
                return nil
            }
            return entry.id
        }
        let elsewhere = able.filter { $0.site != target.id.site }
        return random.pick(settings.indirectProbes, of: elsewhere.isEmpty ? able : elsewhere)
    }

    /// A helper told us how its try went.
    mutating func onProbeResult(_ target: NodeID, reachable: Bool, from helper: NodeID) {
        let hash = target.digestHash
        guard let index = indirect[hash]?.helpers.firstIndex(of: helper) else { return }
        if reachable {
            indirect[hash] = nil
            nodes.touch(hash) { $0.heardAt = now }
            return
        }
        indirect[hash]?.helpers.remove(at: index)
        if let probe = indirect[hash], probe.helpers.isEmpty {
            indirect[hash] = nil
            suspect(hash, failures: probe.failures)
        }
    }

    /// Helpers that say nothing at all hint that the fault is ours (Lifeguard's missed nacks).
    mutating func expireIndirectProbes() {
        guard !indirect.isEmpty else { return }
        for hash in indirect.filter({ $0.value.deadline <= now }).keys.sorted() {
            guard let probe = indirect.removeValue(forKey: hash) else { continue }
            if probe.helpers.count * 2 > probe.asked {
                healthPenalty = min(healthPenalty + 1, settings.maximumHealthPenalty)
            }
            suspect(hash, failures: probe.failures)
        }
    }

    /// Whether someone is to be tried before the next round.
    var isInHaste: Bool { !nodes.suspected.isEmpty || !indirect.isEmpty }

    // MARK: - For others

    /// Tries a node for a peer, at the address that its own record says: a peer cannot make us dial anything else.
    mutating func tryFor(_ asker: NodeID, _ target: NodeID) -> Message.Body {
        guard target != me else { return .probeResult(target, reachable: !hasLeft) }
        let relays = pending.values.reduce(0) { if case .relay = $1.purpose { $0 + 1 } else { $0 } }
        guard !hasLeft, !isQuarantined(asker), nodes[target]?.identityRecord != nil,
            relays < settings.maximumPendingExchanges / 4
        else { return .ack }
        // Where we have no room to try, the asker hears nothing more of it: that says nothing of the target.
        exchange(with: target.digestHash, .ping, .relay(target: target, asker: asker))
        return .ack
    }

    mutating func report(_ target: NodeID, reachable: Bool, to asker: NodeID) {
        exchange(with: asker.digestHash, .probeResult(target, reachable: reachable), .report)
    }
}

extension NodeEntry {
    fileprivate var hasFailedLately: Bool {
        guard let failedAt else { return false }
        return provenAt.map { $0 < failedAt } ?? true
    }
}
