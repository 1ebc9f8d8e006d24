// Rounds and failure detection, after SWIM (Das, Gupta, Motivala 2002) and Lifeguard (arXiv 1707.00788).

extension GossipMachine {
    /// One live peer in shuffled turn, so that each is tried within as many rounds as there are peers; now and then a seed,
    /// and one of those that are down, so that a healed partition joins again.
    mutating func beginRound() {
        catchUpsLeft = settings.catchUpRounds
        let live = peers(.alive, .suspect)
        let down = peers(.unreachable, .dead).filter { !isBusy($0) }
        if let next = nextProbe() { probe(next) }
        if live.isEmpty {
            trySeeds(settings.seedFanout)
        } else if random.unit() < settings.seedProbability {
            trySeeds(1)
        }
        let share = Double(down.count) / Double(live.count + 1)
        if !down.isEmpty, random.unit() < max(settings.downProbability, share) {
            for id in random.pick(1, of: down) { probe(id) }
        }
    }

    private mutating func probe(_ id: NodeID) {
        exchange(with: id, .summary(viewHashes().summary), .probe)
    }

    /// Those that others suspect first, then in shuffled turn.
    private mutating func nextProbe() -> NodeID? {
        while let id = urgentProbes.popLast() {
            if isProbed(id), !isBusy(id) { return id }
        }
        for _ in 0..<2 {
            while let id = probeOrder.popLast() {
                if isProbed(id), !isBusy(id) { return id }
            }
            probeOrder = peers(.alive, .suspect).shuffled(using: &random)
        }
        return nil
    }

    private func isProbed(_ id: NodeID) -> Bool {
        nodes[id].map { $0.state == .alive || $0.state == .suspect } ?? false
    }

    /// Whether a probe of it is under way.
    private func isBusy(_ id: NodeID) -> Bool {
        pending.contains { $0.value.purpose == .probe && $0.value.contact.node == id }
    }

    private mutating func trySeeds(_ count: Int) {
        let busy = pending.values.map(\.contact.address)
        let open = seeds.filter { seed in
            guard !busy.contains(seed.address) else { return false }
            guard let node = seed.node, let entry = nodes[node] else { return true }
            return entry.state != .alive && entry.state != .suspect
        }
        guard !open.isEmpty else { return }
        for offset in 0..<min(count, open.count) {
            let seed = open[(seedIndex + offset) % open.count]
            // Someone else may answer there by now, so whoever it was is not insisted on.
            exchange(with: Contact(node: nil, address: seed.address), .summary(viewHashes().summary), .probe)
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
        case .probe, .announce:
            if let id = exchange.contact.node { failedDirectly(id) }
        case .relay(let target, let asker):
            nodes[target]?.failedAt = now
            if isProbed(target), !urgentProbes.contains(target) { urgentProbes.insert(target, at: 0) }
            report(target, reachable: false, to: asker)
        case .ask, .report:
            if let id = exchange.contact.node { nodes[id]?.failedAt = now }
        case .transfer:
            break
        }
    }

    /// A small exchange with it failed: let others try before we suspect it.
    private mutating func failedDirectly(_ id: NodeID) {
        guard let entry = nodes[id] else { return }
        nodes[id]?.failedAt = now
        if entry.state == .suspect {
            confirm(id, by: me)
            return
        }
        guard entry.state == .alive, indirect[id] == nil else { return }
        let able = peers(.alive).filter { $0 != id && !hasFailedLately($0) }
        let helpers = random.pick(settings.indirectProbes, of: able)
        guard !helpers.isEmpty else {
            healthPenalty = min(healthPenalty + 1, settings.maximumHealthPenalty)
            suspect(id, by: me)
            return
        }
        // The helper needs a probe's time for the target, and we one for the helper.
        let patience = settings.probeTimeoutSeconds * Double(healthPenalty + 1) * 1.5
        indirect[id] = IndirectProbe(helpers: helpers.sorted(), deadline: now.adding(seconds: patience))
        for helper in helpers { exchange(with: helper, .probe(id), .ask(target: id)) }
    }

    private func hasFailedLately(_ id: NodeID) -> Bool {
        guard let entry = nodes[id], let failedAt = entry.failedAt else { return false }
        return entry.provenAt.map { $0 < failedAt } ?? true
    }

    /// A helper told us how its try went.
    mutating func onProbeResult(_ target: NodeID, reachable: Bool, from helper: NodeID) {
        guard let index = indirect[target]?.helpers.firstIndex(of: helper) else { return }
        if reachable {
            indirect[target] = nil
            nodes[target]?.heardAt = now
            return
        }
        indirect[target]?.helpers.remove(at: index)
        if indirect[target]?.helpers.isEmpty ?? false {
            indirect[target] = nil
            suspect(target, by: me)
        }
    }

    /// Helpers that say nothing at all hint that the fault is ours (Lifeguard's missed nacks).
    mutating func expireIndirectProbes() {
        for target in indirect.filter({ $0.value.deadline <= now }).keys.sorted() {
            indirect[target] = nil
            healthPenalty = min(healthPenalty + 1, settings.maximumHealthPenalty)
            suspect(target, by: me)
        }
    }

    // MARK: - For others

    /// Tries a node for a peer, at the address that its own record says: a peer cannot make us dial anything else.
    mutating func tryFor(_ asker: NodeID, _ target: NodeID) -> Message.Body {
        guard target != me else { return .probeResult(target, reachable: !hasLeft) }
        let relays = pending.values.reduce(0) { if case .relay = $1.purpose { $0 + 1 } else { $0 } }
        guard !hasLeft, nodes[target]?.identity != nil, relays < settings.maximumPendingExchanges / 4 else {
            return .probeResult(target, reachable: false)
        }
        exchange(with: target, .ping, .relay(target: target, asker: asker))
        return .ack
    }

    mutating func report(_ target: NodeID, reachable: Bool, to asker: NodeID) {
        exchange(with: asker, .probeResult(target, reachable: reachable), .report)
    }
}
