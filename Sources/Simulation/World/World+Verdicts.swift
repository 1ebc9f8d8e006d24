import Gossip

// Whether a verdict about a node was just.

extension World {
    /// What may pass between a node's being there again and others' no longer holding against it what was before: the time of
    /// a probe and of those who help with it.
    static let graceNanoseconds: UInt64 = 10_000_000_000

    mutating func judgeVerdict(_ observer: Int, _ origin: Int, from: NodeState?, to: NodeState, _ old: Sight) {
        guard observer != origin, to == .unreachable || to == .dead, from != .unreachable else { return }
        guard isThere(origin), !nodes[observer].hasLeft, old.generation >= nodes[origin].life?.generation ?? 0 else {
            return
        }
        let since = max(nodes[origin].reachableSince, nodes[observer].reachableSince, wiredAt) + World.graceNanoseconds
        let suspectAt = from == .suspect ? UInt64(old.suspectAt) * 100_000_000 : now
        guard suspectAt >= since, canReach(observer, origin) else { return }
        for index in court.falseDeaths.indices { court.falseDeaths[index].verdict(by: observer, about: origin) }
    }

    private func isThere(_ node: Int) -> Bool {
        nodes[node].isRunning && !nodes[node].isPaused && !nodes[node].hasLeft
    }

    /// Directly, or through one that reaches both.
    private func canReach(_ observer: Int, _ origin: Int) -> Bool {
        if canTalk(observer, origin) { return true }
        return nodes.indices.contains { helper in
            helper != observer && helper != origin && isThere(helper) && canTalk(observer, helper) && canTalk(helper, origin)
        }
    }

    /// Whether either can ask the other.
    private func canTalk(_ a: Int, _ b: Int) -> Bool {
        (wiring.canAsk(a, b) || wiring.canAsk(b, a)) && accepts(a, b) && accepts(b, a)
    }
}
