import CLinux
import Glibc

/// One worker's connections to upstreams: kept alive, taken newest first, dialled when none is left.
public final class ConnectionPool {
    private final class Shelf {
        /// Held, so that its identity is not another's while connections to it are kept.
        let upstream: Upstream
        var idle: [HTTPClientConnection] = []
        init(_ upstream: Upstream) { self.upstream = upstream }
    }

    private final class Sweeper: TimerNode {
        unowned let pool: ConnectionPool
        init(pool: ConnectionPool) {
            self.pool = pool
            super.init()
        }
        override func expired() { pool.sweep() }
    }

    let loop: Loop
    private let resolver: Resolver
    private var shelves: [ObjectIdentifier: Shelf] = [:]
    private lazy var sweeper = Sweeper(pool: self)
    private var isSweeping = false
    /// Connections made, ever.
    public private(set) var dialled = 0

    init(loop: Loop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
    }

    /// A pool of its own for a component that lives on `loop` and must not share a worker's connections.
    public convenience init(loop: Loop) {
        self.init(loop: loop, resolver: Resolver(loop: loop))
    }

    /// A connection ready for a request. Give it back with `release`.
    ///
    /// - Parameters:
    ///   - fresh: never one that was used before: the retry after a stale one.
    ///   - client: given up when this stream's peer goes.
    ///   - deadline: monotonic nanoseconds.
    public func acquire(
        _ upstream: Upstream, fresh: Bool = false, for client: Stream? = nil, deadline: UInt64 = .max
    ) async throws(TransportError) -> HTTPClientConnection {
        if let client, client.peerHungUp { throw TransportError.cancelled }
        if let interruption = client?.interruption { throw interruption }
        let security = upstream.security
        if !fresh, let shelf = shelves[ObjectIdentifier(upstream)] {
            while let connection = shelf.idle.popLast() {
                if connection.canServe(generation: security.generation, now: loop.now) {
                    connection.begin(isReused: true)
                    client?.attempts.0 = connection.stream
                    return connection
                }
                connection.stream.close()
            }
        }
        let stream = try await dial(upstream, security.tls, for: client, deadline: deadline)
        let connection = HTTPClientConnection(
            stream: stream, upstream: upstream, generation: security.generation, retireAt: loop.now &+ upstream.settings.life
        )
        connection.begin(isReused: false)
        return connection
    }

    /// Takes a connection back after a request: kept if its answer was read to the end and both sides would go on.
    public func release(_ connection: HTTPClientConnection, for client: Stream? = nil) {
        client?.attempts.0 = nil
        guard connection.isReusable,
            connection.canServe(generation: connection.upstream.security.generation, now: loop.now)
        else { return connection.stream.close() }
        let key = ObjectIdentifier(connection.upstream)
        let shelf: Shelf
        if let known = shelves[key] {
            shelf = known
        } else {
            shelf = Shelf(connection.upstream)
            shelves[key] = shelf
        }
        guard shelf.idle.count < connection.upstream.settings.idleConnections else { return connection.stream.close() }
        connection.idleSince = loop.now
        shelf.idle.append(connection)
        if !isSweeping {
            isSweeping = true
            loop.arm(sweeper, at: loop.now &+ 1_000_000_000)
        }
    }

    /// Closes what the other side closed, what is too old, and forgets upstreams without connections.
    private func sweep() {
        isSweeping = false
        for (key, shelf) in shelves {
            let generation = shelf.upstream.security.generation
            shelf.idle.removeAll { connection in
                let expired = connection.idleSince &+ shelf.upstream.settings.idleLife <= loop.now
                guard expired || !connection.canServe(generation: generation, now: loop.now) else { return false }
                connection.stream.close()
                return true
            }
            if shelf.idle.isEmpty { shelves[key] = nil }
        }
        if !shelves.isEmpty {
            isSweeping = true
            loop.arm(sweeper, at: loop.now &+ 1_000_000_000)
        }
    }

    /// Calls `action` once when the newest idle connection to `upstream` is closed by the other side; not after its next use.
    public func onceIdleCloses(_ upstream: Upstream, _ action: @escaping () -> Void) {
        shelves[ObjectIdentifier(upstream)]?.idle.last?.stream.hangUpAction = action
    }

    /// Idle connections kept just now.
    public var idleCount: Int { shelves.values.reduce(0) { $0 + $1.idle.count } }

    /// Closes all idle connections.
    public func closeIdle() {
        for shelf in shelves.values {
            for connection in shelf.idle { connection.stream.close() }
        }
        shelves.removeAll()
    }

    /// Connects to the first of the host's addresses that answers, and shakes hands.
    private func dial(
        _ upstream: Upstream, _ tls: TLSContext?, for client: Stream?, deadline: UInt64
    ) async throws(TransportError) -> Stream {
        dialled += 1
        let limit = min(deadline, loop.now &+ upstream.settings.connectTimeout)
        let addresses = try await resolver.resolve(upstream.target)
        var last = TransportError.connectionLost
        for address in addresses {
            do throws(TransportError) {
                let stream = try await connect(loop, to: address, for: client, deadline: limit)
                do throws(TransportError) {
                    if let tls { try await stream.startTLS(tls, serverName: upstream.serverName, deadline: limit) }
                    return stream
                } catch {
                    stream.close()
                    throw error
                }
            } catch {
                if error.code == .cancelled || error.code == .timedOut || error.code == .tls { throw error }
                last = error
            }
        }
        throw last
    }
}

/// Opens a TCP connection.
///
/// - Parameter client: the attempt is given up when this stream's peer goes.
public func connect(
    _ loop: Loop, to address: SocketAddress, for client: Stream? = nil, deadline: UInt64
) async throws(TransportError) -> Stream {
    let descriptor = openSocket(address.family)
    guard descriptor >= 0 else { throw TransportError(.system, "no descriptor left for a connection: \(systemMessage())") }
    let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
    guard result == 0 || mesh_errno() == EINPROGRESS else {
        let reason = systemMessage()
        close(descriptor)
        throw TransportError(.connectionLost, "cannot connect to \(address): \(reason)")
    }
    guard let stream = Stream(descriptor: descriptor, loop: loop) else {
        throw TransportError(.system, "the event loop takes no more connections")
    }
    client?.attempts.0 = stream
    // Called off while the name was looked up.
    if let interruption = client?.interruption {
        stream.close()
        throw interruption
    }
    if result == 0 { return stream }
    stream.canWrite = false
    let usual = stream.writeTimeout
    stream.writeTimeout = deadline > loop.now ? deadline - loop.now : 1
    do throws(TransportError) {
        try await stream.waitWritable()
    } catch {
        stream.close()
        throw error.code == .timedOut ? TransportError(.timedOut, "connecting to \(address) timed out") : error
    }
    let code = mesh_socket_error(descriptor)
    guard code == 0 else {
        stream.close()
        throw TransportError(.connectionLost, "cannot connect to \(address): \(systemMessage(code))")
    }
    stream.writeTimeout = usual
    return stream
}
