import Synchronization

/// Starts that this node has asked for lately, so that many requests for one model ask once.
final class StartsAsked: Sendable {
    private let asked = Mutex<[String: UInt64]>([:])
    static let interval: UInt64 = 2_000_000_000

    /// Whether to ask now: true for one of those that come within two seconds.
    func mayAsk(_ place: String, now: UInt64) -> Bool {
        asked.withLock {
            if let last = $0[place], now &- last < Self.interval { return false }
            if $0.count >= 1024 { $0 = $0.filter { now &- $0.value < Self.interval } }
            $0[place] = now
            return true
        }
    }
}
