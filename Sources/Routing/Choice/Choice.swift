import Gossip

/// Why a site was chosen; the words of `X-Mesh-Route`.
public enum RouteReason: String, Sendable, Codable, CaseIterable {
    case home, affinity, spill, only, failover, bounce, direct, continued, pinned, hedged
}

/// Which of some candidates takes a request: a pure function of what is known and of a seeded generator.
///
/// In order: what cannot serve it is out (`exclusion`); what failed lately rests, and what may end before the request would is passed
/// over, while there are others; home, if it has a free slot, unless the request's
/// prompt lies in another site's cache and its way there is shorter than reading it anew; otherwise the one that is expected to answer
/// the soonest, with what is known of it weighed by its age. The target's own gate has the last word, and refuses before it queues:
/// so old news costs a round trip at most.
public struct Choice: Sendable {
    public struct Settings: Sendable, Equatable, Codable {
        /// A candidate that just failed is passed over for this long while there are others, and for twice as long after each failure
        /// more without a success between them; nanoseconds.
        public var failureRest: UInt64 = 2_000_000_000
        /// At most this long; nanoseconds.
        public var longestRest: UInt64 = 64_000_000_000
        /// After such a rest, its share grows for this long from a tenth to the whole; nanoseconds.
        public var slowStart: UInt64 = 30_000_000_000
        /// Age at which a load report counts half; nanoseconds.
        public var loadHalfLife: UInt64 = 20_000_000_000
        /// Seconds that a request takes in the mean, for how long a line is.
        public var meanServiceSeconds = 8.0
        /// Seconds that a refusal costs beside its own round trip: another one elsewhere.
        public var refusalSeconds = 0.1
        /// What a candidate's round trip is taken for before one was measured; seconds.
        public var unknownRoundTripSeconds = 0.05
        /// Seconds within which round trips differ by chance: places that are as near as that share the requests.
        public var nearSeconds = 0.004
        /// Seconds that a full place is worse than an empty one, where both have room: what runs there slows down what comes.
        public var crowdedSeconds = 0.01
        /// Seconds beyond reading the prompt that a first byte may take anywhere: what it took more of late makes a place worse by as much.
        public var usualFirstByteSeconds = 1.0
        /// Age at which such a first byte counts half; nanoseconds.
        public var firstByteHalfLife: UInt64 = 20_000_000_000
        /// Below this chance of a free slot a request would rather wait in line than ask.
        public var leastChance = 0.05
        /// Tokens a second at which prompts are read, for what a cached one saves and for whether a request ends in time.
        public var promptTokensPerSecond = 8_000.0
        /// Tokens a second of one answer where its site has told of none.
        public var answerTokensPerSecond = 20.0
        /// Seconds that a job's end must be off beyond what a request is expected to take.
        public var walltimeMarginSeconds = 5.0
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
        precondition(candidates.count <= Field.mostCandidates, "a model has at most \(Field.mostCandidates) candidates")
        return withUnsafeTemporaryAllocation(of: Reading.self, capacity: candidates.count) { readings in
            guard let field = field(candidates, needs, tried: tried, readings, now: now) else { return nil }
            let isOnly = field.count == 1 && tried == 0
            guard let found = pick(from: field, candidates, needs, random: &random) else { return nil }
            let isPinned = needs.sites?.count == 1 || needs.policy == .pinned
            let reason: RouteReason = isPinned ? .pinned : isOnly && found.reason != .home ? .only : found.reason
            return Picked(index: found.index, reason: reason, hasRoom: found.hasRoom)
        }
    }

    private func pick(
        from field: Field, _ candidates: [Candidate], _ needs: RequestNeeds, random: inout some RandomNumberGenerator
    ) -> Picked? {
        if needs.policy == .pinned { return pinned(field, candidates, needs) }
        let affine = affine(field, candidates, needs)
        if let home = field.home, needs.policy == .best || needs.policy == .home {
            let hasRoom = field.readings[home].free > 0
            // Its users wait here before they go elsewhere.
            if needs.policy == .home { return Picked(index: home, reason: .home, hasRoom: hasRoom) }
            if hasRoom {
                guard let affine, affine.isKnown, affine.index != home,
                    cost(field.readings[affine.index], of: 1) < affine.savedSeconds
                else { return Picked(index: home, reason: .home, hasRoom: true) }
                return Picked(index: affine.index, reason: .affinity, hasRoom: true)
            }
        }
        func drawn(from tier: UInt64) -> Picked? {
            guard tier != 0 else { return nil }
            let drawn =
                needs.policy == .spread
                ? spread(field, tier, random: &random) : soonest(field, tier, affine, random: &random)
            return drawn.map { index in
                let reason: RouteReason = index == field.home ? .home : index == affine?.index ? .affinity : .spill
                return Picked(index: index, reason: reason, hasRoom: true)
            }
        }
        // Linked federations help out where our own has no room.
        if let own = drawn(from: field.own) ?? drawn(from: field.all & ~field.own) { return own }
        // All seem full.
        let shortest = shortestLine(field, field.own != 0 ? field.own : field.all)
        return Picked(index: shortest, reason: shortest == field.home ? .home : .spill, hasRoom: false)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to spread load.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    /// A generator with this seed goes on as this one does.
    public private(set) var state: UInt64
    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
