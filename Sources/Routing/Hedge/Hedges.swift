public import Synchronization

/// The second attempts of all workers: what may be spent on them, and what came of them.
public final class Hedges: Sendable {
    /// Nothing is saved up ahead: of the first hundred requests two may be sent twice, and none of the first 49.
    private let budget = Mutex(RetryBudget(share: HedgeRule.mostShare, reserve: 0, perMinute: 0, most: 100))
    /// Attempts made.
    public let made = Atomic<Int>(0)
    /// Those that answered.
    public let won = Atomic<Int>(0)
    /// Attempts not made because enough were.
    public let denied = Atomic<Int>(0)

    init() {}

    /// - Parameter requests: so many this node has had since its start.
    func take(_ rule: HedgeRule, requests: Int, now: UInt64) -> Bool {
        let isThere = budget.withLock { budget in
            budget.share = min(rule.share, HedgeRule.mostShare)
            return budget.take(requests: requests, now: now)
        }
        if isThere { made.increment() } else { denied.increment() }
        return isThere
    }
}
