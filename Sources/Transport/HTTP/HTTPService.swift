import Synchronization

/// What answers requests. Called on the worker of the connection; must respond on every path.
public protocol HTTPHandler: Sendable {
    func handle(_ exchange: HTTPExchange) async
    /// A connection could not be made into HTTP: a failed TLS handshake, refused peer. For the log.
    func refused(_ error: TransportError, from address: SocketAddress?)
}

/// How long a client may take; nanoseconds.
public struct HTTPServerTimeouts: Sendable {
    /// From the first byte of a head to its last.
    public var head: UInt64 = 15_000_000_000
    /// Between two pieces of a body.
    public var body: UInt64 = 60_000_000_000
    /// Between requests on one connection.
    public var idle: UInt64 = 75_000_000_000
    /// That a client takes no data of an answer.
    public var write: UInt64 = 60_000_000_000
    public init() {}
}

/// One listener's settings and handler, shared by all workers.
public final class HTTPService: Sendable {
    public let handler: any HTTPHandler
    /// How new connections are secured; those that exist go on as they are.
    public let secured: TLSSource
    public let limits: HTTPLimits
    public let timeouts: HTTPServerTimeouts
    public let maximumConnections: Int
    /// Bytes of bodies held, node-wide; shared between listeners.
    public let bodyBudget: BodyBudget
    /// Which addresses may connect; nil: all.
    let admits: (@Sendable (SocketAddress) -> Bool)?
    private let connections = Atomic<Int>(0)
    private let refusedConnections = Atomic<Int>(0)

    public init(
        handler: any HTTPHandler, securedBy source: TLSSource = TLSSource(nil), limits: HTTPLimits = HTTPLimits(),
        timeouts: HTTPServerTimeouts = HTTPServerTimeouts(), maximumConnections: Int = 10_000,
        bodyBudget: BodyBudget = BodyBudget(bytes: 512 << 20), admits: (@Sendable (SocketAddress) -> Bool)? = nil
    ) {
        self.handler = handler
        secured = source
        self.admits = admits
        self.limits = limits
        self.timeouts = timeouts
        self.maximumConnections = maximumConnections
        self.bodyBudget = bodyBudget
    }

    /// False past the limit: the connection is then closed at once.
    func admitConnection() -> Bool {
        if connections.add(1, ordering: .relaxed).newValue <= maximumConnections { return true }
        connections.subtract(1, ordering: .relaxed)
        refusedConnections.add(1, ordering: .relaxed)
        return false
    }

    func connectionEnded() { connections.subtract(1, ordering: .relaxed) }

    public var openConnections: Int { connections.load(ordering: .relaxed) }
    /// Connections closed because there were too many.
    public var overLimit: Int { refusedConnections.load(ordering: .relaxed) }
}

/// The memory that all held request bodies may take together.
public final class BodyBudget: Sendable {
    public let bytes: Int
    private let held = Atomic<Int>(0)

    public init(bytes: Int) { self.bytes = bytes }

    public func take(_ count: Int) -> Bool {
        if held.add(count, ordering: .relaxed).newValue <= bytes { return true }
        held.subtract(count, ordering: .relaxed)
        return false
    }

    public func give(_ count: Int) { held.subtract(count, ordering: .relaxed) }
    public var inUse: Int { held.load(ordering: .relaxed) }
}
