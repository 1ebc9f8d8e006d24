import Gossip

/// Why a site was chosen; the words of `X-Mesh-Route`.
public enum RouteReason: String, Sendable, Codable {
    case home, affinity, spill, only, failover, bounce, direct, continued, pinned
}

/// Which of some candidates takes a request: a pure function of what is known and of a seeded generator.
///
/// In order: what cannot serve it is out (`exclusion`); home, if it has a free slot; otherwise the one that is expected to answer the
/// soonest, with what is known of it weighed by its age. The target's own gate has the last word, and refuses before it queues:
/// so old news costs a round trip at most.
public struct Choice: Sendable {
    public struct Settings: Sendable {
        /// A candidate that just failed is passed over for this long while there are others; nanoseconds.
        public var failureRest: UInt64 = 2_000_000_000
        /// Age at which a load report counts half; nanoseconds.
        public var loadHalfLife: UInt64 = 20_000_000_000
        /// Seconds that a request takes in the mean, for how long a line is.
        public var meanServiceSeconds = 8.0
        /// Seconds that a refusal costs beside its own round trip: another one elsewhere.
        public var refusalSeconds = 0.1
        /// What a candidate's round trip is taken for before one was measured; seconds.
        public var unknownRoundTripSeconds = 0.05
        /// Below this chance of a free slot a request would rather wait in line.
        public var leastChance = 0.05
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
        if let sites = needs.sites, !sites.contains(candidate.node.siteName) { return .siteNotAllowed }
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
        // Linked federations help out where our own has no room.
        var own: UInt64 = 0
        for index in candidates.indices where candidates[index].node.federation == nil { own |= 1 << UInt64(index) }
        for tier in [eligible & own, eligible & ~own] where tier != 0 {
            if let drawn = soonest(candidates, tier, now: now, random: &random) {
                return picked(drawn, .spill, hasRoom: true)
            }
        }
        if eligible & own != 0 { eligible &= own }
        // All seem full. Home's queue is the one whose length is known.
        let shortest = shortestLine(candidates, eligible, now: now)
        return picked(shortest, candidates[shortest].isLocal ? .home : .spill, hasRoom: false)
    }

    /// The one that is expected to answer the soonest: its round trip, and what a refusal would cost. nil where none is likely to have
    /// a free slot.
    ///
    /// What a refusal costs is drawn anew for each, within a half of the mean, which keeps nodes that know the same from going to the
    /// same place (why greed on old news does harm: Mitzenmacher 2000).
    private func soonest(
        _ candidates: [Candidate], _ eligible: UInt64, now: UInt64, random: inout some RandomNumberGenerator
    ) -> Int? {
        var best: Int?
        var bestSeconds = Double.infinity
        for index in candidates.indices where eligible & (1 << UInt64(index)) != 0 {
            let load = candidates[index].load.sample()
            let chance = chance(load, now: now)
            guard chance > settings.leastChance else { continue }
            let unit = Double(random.next() >> 11) * 0x1p-53
            let seconds = roundTrip(candidates[index], load) + (1 - chance) * settings.refusalSeconds * (0.5 + unit)
            if seconds < bestSeconds {
                best = index
                bestSeconds = seconds
            }
        }
        return best
    }

    /// The chance that a candidate has a free slot: what was heard of it, less what was sent there since, fades with age towards what it
    /// usually has free, and is the less certain. Never heard of: even.
    func chance(_ load: LiveLoad.Sample, now: UInt64) -> Double {
        guard load.heard > 0 else { return 0.5 }
        let trust = trust(load, now: now)
        let variance = max(load.freeVariance, 1) * (1 - trust * trust) + 0.01
        let distance = (expectedFree(load, trust) - 0.5) / variance.squareRoot()
        return 0.5 + 0.5 * distance / (1 + distance * distance).squareRoot()
    }

    private func expectedFree(_ load: LiveLoad.Sample, _ trust: Double) -> Double {
        Double(load.free) * trust + load.meanFree * (1 - trust)
    }

    private func roundTrip(_ candidate: Candidate, _ load: LiveLoad.Sample) -> Double {
        if candidate.isLocal { return 0 }
        return load.roundTripSeconds > 0 ? load.roundTripSeconds : settings.unknownRoundTripSeconds
    }

    /// How much what was heard still says.
    private func trust(_ load: LiveLoad.Sample, now: UInt64) -> Double {
        let age = now > load.heard ? Double(now - load.heard) : 0
        return Double(settings.loadHalfLife) / (Double(settings.loadHalfLife) + age)
    }

    /// Of candidates that seem full, the one whose line seems the shortest in time, its way included.
    private func shortestLine(_ candidates: [Candidate], _ eligible: UInt64, now: UInt64) -> Int {
        var best = -1
        var bestWait = Double.infinity
        for index in candidates.indices where eligible & (1 << UInt64(index)) != 0 {
            let load = candidates[index].load.sample()
            let trust = trust(load, now: now)
            let line = max(1 - expectedFree(load, trust), 0.5) / Double(max(load.slots, 1))
            let wait = line * settings.meanServiceSeconds + roundTrip(candidates[index], load)
            if wait < bestWait {
                best = index
                bestWait = wait
            }
        }
        return best
    }

    /// What people are told of it: the chance that it has a free slot.
    func score(_ candidate: Candidate, now: UInt64) -> Double {
        chance(candidate.load.sample(), now: now)
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
