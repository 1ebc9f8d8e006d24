import CLinux
import Synchronization

/// Time as the code here reads it, so that tests need not wait.
public struct GlobusClock: Sendable {
    /// Nanoseconds that only grow: for lives in caches.
    public var monotonic: @Sendable () -> UInt64
    /// Seconds since 1970: for what servers write.
    public var wallSeconds: @Sendable () -> UInt64
    /// Waits some seconds, or less when the task is cancelled.
    public var sleep: @Sendable (Double) async -> Void

    public init(
        monotonic: @escaping @Sendable () -> UInt64, wallSeconds: @escaping @Sendable () -> UInt64,
        sleep: @escaping @Sendable (Double) async -> Void
    ) {
        self.monotonic = monotonic
        self.wallSeconds = wallSeconds
        self.sleep = sleep
    }

    /// The machine's own.
    public static let system = GlobusClock(
        monotonic: { mesh_monotonic_ns() }, wallSeconds: { mesh_realtime_ns() / 1_000_000_000 },
        sleep: { try? await Task.sleep(for: .seconds($0)) })
}

/// Repeatable random numbers for jitter (SplitMix64); not for secrets.
public final class GlobusJitter: Sendable {
    private let state: Mutex<UInt64>

    public init(seed: UInt64) { state = Mutex(seed) }

    /// From 0 up to, not including, 1.
    func next() -> Double {
        let bits = state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
        return Double(bits >> 11) / Double(1 << 53)
    }
}
