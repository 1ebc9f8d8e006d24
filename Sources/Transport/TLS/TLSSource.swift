import CLinux
import Synchronization

/// The TLS context that is in force, shared by all that make or take connections with it: swapped as one when a certificate is
/// renewed or the authorities change. Connections made before go on; idle ones are not used again.
public final class TLSSource: Sendable {
    struct Current: Sendable {
        var tls: TLSContext?
        var generation: UInt64
        /// Monotonic nanoseconds.
        var since: UInt64
    }

    private let held: Mutex<Current>

    /// - Parameter tls: nil: connections are not secured.
    public init(_ tls: TLSContext?) { held = Mutex(Current(tls: tls, generation: 1, since: 0)) }

    /// New connections use `tls` from now on.
    public func replace(with tls: TLSContext?) {
        held.withLock { $0 = Current(tls: tls, generation: $0.generation + 1, since: mesh_monotonic_ns()) }
    }

    public var tls: TLSContext? { held.withLock { $0.tls } }
    var current: Current { held.withLock { $0 } }
    /// Rises with each `replace`.
    var generation: UInt64 { held.withLock { $0.generation } }
}
