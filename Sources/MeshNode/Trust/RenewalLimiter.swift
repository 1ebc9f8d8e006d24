import Gossip
import Synchronization

/// How often a node may have its certificate renewed here: each renewal is a signature, and a line in the audit log. A token
/// bucket a node.
final class RenewalLimiter: Sendable {
    /// At once, and in a minute after that.
    static let burst = 120.0
    static let perMinute = 2.0
    /// Nodes that are remembered.
    static let nodesKept = 8192

    private struct Bucket {
        var level: Double
        /// Monotonic nanoseconds.
        var at: UInt64
    }

    private let buckets = Mutex<[NodeID: Bucket]>([:])

    /// Whether one more is allowed now. Counts it.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func admits(_ node: NodeID, now: UInt64) -> Bool {
        buckets.withLock { buckets in
            if buckets.count >= Self.nodesKept, buckets[node] == nil { buckets.removeAll() }
            var bucket = buckets[node] ?? Bucket(level: Self.burst, at: now)
            let minutes = now > bucket.at ? Double(now - bucket.at) / 60e9 : 0
            bucket.level = min(Self.burst, bucket.level + minutes * Self.perMinute)
            bucket.at = now
            let isAllowed = bucket.level >= 1
            if isAllowed { bucket.level -= 1 }
            buckets[node] = bucket
            return isAllowed
        }
    }
}
