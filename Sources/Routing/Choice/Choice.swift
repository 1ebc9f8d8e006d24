import Gossip

/// Why a site was chosen; the words of `X-Mesh-Route`.
public enum RouteReason: String, Sendable, Codable {
    case home, affinity, spill, only, failover, bounce, direct, continued, pinned
}

/// Which of some candidates takes a request: a pure function of what is known and of a seeded generator.
///
/// In order: what cannot serve it is out (`exclusion`); home, if it has a free slot; otherwise one drawn at random, by the slots
/// believed free. Greedy choice of the least loaded by gossip herds on old news and is worse than random beyond a second
/// of age (simulated: 101 s mean wait at views 30 s old where this way waits 0.1 s); the target's own gate has the last word.
public struct Choice: Sendable {
    public struct Settings: Sendable {
        /// A candidate that just failed is passed over for this long while there are others; nanoseconds.
        public var failureRest: UInt64 = 2_000_000_000
        /// Age at which a load report counts half; nanoseconds.
        public var loadHalfLife: UInt64 = 10_000_000_000
        public init() {}
    }

    public struct Picked: Sendable, Equatable {
        public let index: Int
        public let reason: RouteReason
        /// False: no candidate is believed to have a free slot; the request would have to wait there.
        public let hasRoom: Bool
    }

    public let settings: Settings

    public init(settings: Settings = Settings()) { self.settings = settings }

    /// The hard rules: nil when the candidate may serve the request.
    public func exclusion(of candidate: Candidate, for needs: RequestNeeds) -> Exclusion? {
        if let sites = needs.sites, !sites.contains(candidate.node.site) { return .siteNotAllowed }
        if let block = block(on: candidate, for: needs) { return .blocked(block) }
        if let refused = policyExclusion(of: candidate, for: needs) { return refused }
        if candidate.nodeState != .alive, candidate.nodeState != .suspect { return .unreachable(candidate.nodeState) }
        if candidate.isDraining, !candidate.isLocal { return .draining }
        if candidate.variant.state != .running { return .notRunning(candidate.variant.state) }
        if !candidate.isLocal, candidate.variant.policy == "local" { return .localOnly }
        if let known = candidate.capabilities, !known.isSuperset(of: needs.capabilities) {
            return .lacks(needs.capabilities.subtracting(known))
        }
        if let context = candidate.variant.contextTokens.value, needs.contextTokens > context {
            return .contextTooShort(has: context, needs: needs.contextTokens)
        }
        if let revision = needs.revision, candidate.variant.revision.value != revision {
            return .otherRevision(candidate.variant.revision.value)
        }
        if let dtype = needs.dtype, candidate.variant.dtype.value != dtype {
            return .otherDtype(candidate.variant.dtype.value)
        }
        return nil
    }

    /// What this node's operator has blocked of it.
    public func block(on candidate: Candidate, for needs: RequestNeeds) -> Block? {
        guard let blocks = needs.blocks else { return nil }
        if let block = blocks.model(candidate.variant.id, nowSeconds: needs.nowSeconds) { return block }
        return candidate.isLocal ? nil : blocks.against(sendingTo: candidate.node, nowSeconds: needs.nowSeconds)
    }

    /// Picks one.
    ///
    /// - Parameters:
    ///   - tried: bit i set: candidate i was tried for this request already.
    ///   - now: monotonic nanoseconds.
    /// - Returns: nil when no candidate may serve it.
    public func pick(
        _ candidates: [Candidate], for needs: RequestNeeds, tried: UInt64 = 0, now: UInt64,
        random: inout some RandomNumberGenerator
    ) -> Picked? {
        precondition(candidates.count <= 64, "a model has at most 64 candidates")
        var eligible: UInt64 = 0
        var rested: UInt64 = 0
        for index in candidates.indices where tried & (1 << UInt64(index)) == 0 {
            guard exclusion(of: candidates[index], for: needs) == nil else { continue }
            eligible |= 1 << UInt64(index)
            let failed = candidates[index].load.sample().failed
            if failed == 0 || now &- failed >= settings.failureRest { rested |= 1 << UInt64(index) }
        }
        // What failed a moment ago is better than nothing.
        if rested != 0 { eligible = rested }
        guard eligible != 0 else { return nil }
        let isOnly = eligible.nonzeroBitCount == 1 && tried == 0
        let pinned = needs.sites?.count == 1
        func picked(_ index: Int, _ reason: RouteReason, hasRoom: Bool) -> Picked {
            Picked(index: index, reason: pinned ? .pinned : isOnly && reason != .home ? .only : reason, hasRoom: hasRoom)
        }
        for index in candidates.indices where eligible & (1 << UInt64(index)) != 0 && candidates[index].isLocal {
            if candidates[index].load.sample().free > 0 { return picked(index, .home, hasRoom: true) }
        }
        if let drawn = draw(candidates, eligible, now: now, random: &random) { return picked(drawn, .spill, hasRoom: true) }
        // All seem full. Home's queue is the one whose length is known.
        for index in candidates.indices where eligible & (1 << UInt64(index)) != 0 && candidates[index].isLocal {
            return picked(index, .home, hasRoom: false)
        }
        return picked(leastFull(candidates, eligible), .spill, hasRoom: false)
    }

    /// One of those with free slots, by their number; a report's weight fades with its age towards the candidate's plain size.
    private func draw(
        _ candidates: [Candidate], _ eligible: UInt64, now: UInt64, random: inout some RandomNumberGenerator
    ) -> Int? {
        var total = 0.0
        for index in candidates.indices where eligible & (1 << UInt64(index)) != 0 {
            total += weight(of: candidates[index], now: now)
        }
        guard total > 0 else { return nil }
        var left = Double.random(in: 0..<total, using: &random)
        var last: Int?
        for index in candidates.indices where eligible & (1 << UInt64(index)) != 0 {
            let share = weight(of: candidates[index], now: now)
            guard share > 0 else { continue }
            last = index
            left -= share
            if left < 0 { return index }
        }
        return last
    }

    /// Never heard of its load: as one free slot.
    func weight(of candidate: Candidate, now: UInt64) -> Double {
        let load = candidate.load.sample()
        guard load.heard > 0 else { return 1 }
        let age = now > load.heard ? Double(now - load.heard) : 0
        let trust = Double(settings.loadHalfLife) / (Double(settings.loadHalfLife) + age)
        // Between what was heard and, as that grows old, half of the slots free.
        let estimate = Double(max(load.free, 0)) * trust + Double(max(load.slots, 1)) * 0.5 * (1 - trust)
        // Full as of a report younger than the half life: not drawn.
        return load.free <= 0 && trust > 0.5 ? 0 : estimate
    }

    private func leastFull(_ candidates: [Candidate], _ eligible: UInt64) -> Int {
        var best = -1
        var bestQueue = Double.infinity
        for index in candidates.indices where eligible & (1 << UInt64(index)) != 0 {
            let load = candidates[index].load.sample()
            let queue = Double(-load.free) / Double(max(load.slots, 1))
            if queue < bestQueue {
                best = index
                bestQueue = queue
            }
        }
        return best
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to spread load.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64
    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
