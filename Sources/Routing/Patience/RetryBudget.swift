public import Synchronization

/// How often this node may try again, so that what is wrong somewhere does not become twice the load elsewhere: a fifth of the requests,
/// and a few a minute where there are few (after Finagle's `RetryBudget`).
struct RetryBudget: Sendable, Equatable {
    /// Of each request.
    var share = 0.2
    /// Saved up for a node that has just begun, and again after a burst, for failures that come all at once as when a site dies.
    var reserve = 100.0
    var perMinute = 10.0
    /// More is never saved up.
    var most = 1000.0

    private(set) var balance: Double
    private var requests = 0
    private var at: UInt64

    /// - Parameter now: monotonic nanoseconds.
    init(now: UInt64 = 0) {
        balance = reserve
        at = now
    }

    init(share: Double, reserve: Double, perMinute: Double, most: Double) {
        self.init()
        self.share = share
        self.reserve = reserve
        self.perMinute = perMinute
        self.most = most
        balance = reserve
    }

    /// Takes one try; false: there is none to be had.
    ///
    /// - Parameters:
    ///   - requests: so many this node has had since its start.
    ///   - now: monotonic nanoseconds.
    mutating func take(requests: Int, now: UInt64) -> Bool {
        settle(requests: requests, now: now)
        guard balance >= 1 else { return false }
        balance -= 1
        return true
    }

    /// Brings the balance up to date.
    mutating func settle(requests: Int, now: UInt64) {
        let earned = Double(max(requests - self.requests, 0)) * share
        // What time alone gives is for the few: it fills up no more than the reserve.
        let given = Double(now - min(at, now)) / 60e9 * perMinute
        balance = min(max(min(balance + given, reserve), balance) + earned, most)
        self.requests = max(requests, self.requests)
        at = max(now, at)
    }
}

/// The budget of all workers. A request costs one addition; the lock is for those that fail.
public final class Retries: Sendable {
    private let requests = Atomic<Int>(0)
    private let budget = Mutex(RetryBudget())
    /// Tries that there was nothing left for.
    public let denied = Atomic<Int>(0)
    /// Tries that were taken.
    public let taken = Atomic<Int>(0)

    init() {}

    /// A request has come.
    func began() { requests.increment() }

    /// Requests since the start.
    var requestCount: Int { requests.load(ordering: .relaxed) }

    /// Takes one try; false: the first failure is the last word.
    func take(now: UInt64) -> Bool {
        let requests = requests.load(ordering: .relaxed)
        let isThere = budget.withLock { $0.take(requests: requests, now: now) }
        if isThere { taken.increment() } else { denied.increment() }
        return isThere
    }

    /// Whether there is one to be had.
    func hasAny(now: UInt64) -> Bool {
        let requests = requests.load(ordering: .relaxed)
        return budget.withLock {
            $0.settle(requests: requests, now: now)
            return $0.balance >= 1
        }
    }
}
