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
        /// Connections are made before they are needed (`ConnectionPool.tend`), so that no request waits for one.
        public var isKeptWarm = false
        public init() {}
    }

    public let target: HostPort
    /// Sent as `Host` and, with TLS, as server name.
    public let serverName: String
    public let settings: Settings
    /// How connections to it are secured; may be shared with other upstreams.
    public let secured: TLSSource

    /// How connections to it are made.
    public let way: Way
    /// Where its TLS handshakes are counted; nil: nowhere.
    public let handshakes: HandshakeCounters?

    /// `Host` as it stands in a request.
    let authority: String

    public init(
        target: HostPort, securedBy source: TLSSource, serverName: String? = nil, settings: Settings = Settings(),
        way: Way = .direct, handshakes: HandshakeCounters? = nil
    ) {
        self.target = target
        self.way = way
        self.handshakes = handshakes
        self.serverName = serverName ?? target.host
        self.settings = settings
        secured = source
        authority = HostPort(host: self.serverName, port: target.port).description
    }

    public convenience init(
        target: HostPort, tls: TLSContext?, serverName: String? = nil, settings: Settings = Settings(), way: Way = .direct
    ) {
        self.init(target: target, securedBy: TLSSource(tls), serverName: serverName, settings: settings, way: way)
    }

    var security: TLSSource.Current { secured.current }
}
