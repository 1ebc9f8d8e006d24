import Synchronization

/// Where requests are sent: an address, how it is secured, and the limits of connections to it. One object an endpoint, shared by
/// all workers; each worker keeps its own connections to it.
public final class Upstream: Sendable {
    public struct Settings: Sendable {
        /// Nanoseconds for name, TCP connection and TLS handshake together.
        public var connectTimeout: UInt64 = 5_000_000_000
        /// Idle connections kept on each worker.
        public var idleConnections = 128
        /// Nanoseconds after which an idle connection is closed.
        public var idleLife: UInt64 = 60_000_000_000
        /// Nanoseconds after which a connection takes no new request.
        public var life: UInt64 = 3_600_000_000_000
        public init() {}
    }

    struct Security: Sendable {
        var tls: TLSContext?
        var generation: UInt64
    }

    public let target: HostPort
    /// Sent as `Host` and, with TLS, as server name.
    public let serverName: String
    public let settings: Settings
    private let secured: Mutex<Security>

    /// `Host` as it stands in a request.
    let authority: String

    public init(target: HostPort, tls: TLSContext?, serverName: String? = nil, settings: Settings = Settings()) {
        self.target = target
        self.serverName = serverName ?? target.host
        self.settings = settings
        secured = Mutex(Security(tls: tls, generation: 1))
        authority = HostPort(host: self.serverName, port: target.port).description
    }

    /// New connections use `tls` from now on; those made before take no new request, and end with the one they carry.
    public func secure(with tls: TLSContext?) {
        secured.withLock { $0 = Security(tls: tls, generation: $0.generation + 1) }
    }

    var security: Security { secured.withLock { $0 } }
}
