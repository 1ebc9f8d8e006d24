/// One worker's connections to one upstream.
final class ConnectionShelf {
    /// Held, so that its identity is not another's while connections to it are kept.
    let upstream: Upstream
    /// The one used last at the end.
    var idle: [HTTPClientConnection] = []
    /// Connections that exist: idle or in use.
    var living = 0

    private var recentPeak = 0
    private var peakBefore = 0
    private var peakSince: UInt64 = 0
    /// Of one of the two periods that the peak is taken over.
    private static let peakNanoseconds: UInt64 = 300_000_000_000

    init(_ upstream: Upstream) { self.upstream = upstream }

    /// Notes how many are in use at once, one more having just been taken.
    func noteUse(now: UInt64) {
        rotate(now: now)
        recentPeak = max(recentPeak, living - idle.count)
    }

    /// The most that were in use at once in the last five to ten minutes.
    func peak(now: UInt64) -> Int {
        rotate(now: now)
        return max(recentPeak, peakBefore)
    }

    private func rotate(now: UInt64) {
        guard now &- peakSince >= Self.peakNanoseconds else { return }
        peakBefore = now &- peakSince < 2 * Self.peakNanoseconds ? recentPeak : 0
        recentPeak = 0
        peakSince = now
    }
}
