/// The way of one request from candidate to candidate, as far as it is decided and not done.
///
/// A candidate may refuse, before it has queued anything, at most `refusals` times; then the request waits in line where that seems
/// shortest. One that fails before its first byte gives way to the next, at most `failovers` times.
public struct Journey: Sendable {
    public struct Limits: Sendable, Equatable, Codable {
        public var refusals = 3
        public var failovers = 3
        public init() {}
    }

    public struct Step: Sendable, Equatable, Codable {
        public let index: Int
        public let reason: RouteReason
        /// It may wait there for a slot; otherwise it is to be refused if there is none.
        public let queues: Bool
    }

    public let limits: Limits
    /// Bit i: candidate i failed, or refused.
    public private(set) var failed: UInt64 = 0
    public private(set) var refused: UInt64 = 0
    public private(set) var tries = 0
    public private(set) var refusals = 0

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Where to go now; nil: there is nothing left to try.
    public mutating func next(
        _ choice: Choice, _ candidates: [Candidate], for needs: RequestNeeds, now: UInt64,
        random: inout some RandomNumberGenerator
    ) -> Step? {
        let failures = failed.nonzeroBitCount
        guard failures <= limits.failovers else { return nil }
        var picked: Choice.Picked?
        if refusals < limits.refusals {
            picked = choice.pick(candidates, for: needs, tried: failed | refused, now: now, random: &random)
        }
        var queues = false
        if picked == nil || picked?.hasRoom == false, failures < limits.failovers {
            // Every place is full or has refused: wait in line at the one that seems shortest.
            if let best = choice.pick(candidates, for: needs, tried: failed, now: now, random: &random) {
                picked = best
                queues = true
            }
        }
        guard let picked else { return nil }
        tries += 1
        let isLocal = candidates[picked.index].isLocal
        let reason: RouteReason = failed != 0 ? .failover : refused != 0 && !isLocal ? .bounce : picked.reason
        return Step(index: picked.index, reason: reason, queues: queues)
    }

    public mutating func refused(_ index: Int) {
        refused |= 1 << UInt64(index)
        refusals += 1
    }

    public mutating func failed(_ index: Int) { failed |= 1 << UInt64(index) }
}
