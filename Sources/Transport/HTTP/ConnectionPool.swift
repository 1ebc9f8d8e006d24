import CLinux
import Glibc

/// One worker's connections to upstreams: kept alive, taken newest first, dialled when none is left.
public final class ConnectionPool {
    private final class Sweeper: TimerNode {
        /// Gone with its owner, while the loop still holds the timer.
        weak var pool: ConnectionPool?
        init(pool: ConnectionPool) {
            self.pool = pool
            super.init()
        }
        override func expired() { pool?.sweep() }
    }

    public let loop: Loop
    /// Opens connections that are not for the pool.
    public let dialler: Dialler
    private var shelves: [ObjectIdentifier: ConnectionShelf] = [:]
    private lazy var sweeper = Sweeper(pool: self)
    private var isSweeping = false
    /// Connections made, ever.
    public private(set) var dialled = 0

    init(loop: Loop, resolver: Resolver) {
        self.loop = loop
        dialler = Dialler(loop: loop, resolver: resolver)
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
        if !fresh, let connection = takeIdle(upstream) {
            client?.attempts.0 = connection.stream
            return connection
        }
        let security = upstream.security
        dialled += 1
        let limit = min(deadline, loop.now &+ upstream.settings.connectTimeout)
        let stream = try await dialler.open(upstream, tls: security.tls, for: client, deadline: limit)
        let connection = HTTPClientConnection(
            stream: stream, upstream: upstream, generation: security.generation, retireAt: loop.now &+ upstream.settings.life
        )
        let shelf = shelf(of: upstream)
        connection.shelf = shelf
        shelf.noteUse(now: loop.now)
        connection.begin(isReused: false)
        return connection
    }

    /// The newest idle connection that can be used; those that cannot are closed on the way.
    private func takeIdle(_ upstream: Upstream) -> HTTPClientConnection? {
        guard let shelf = shelves[ObjectIdentifier(upstream)] else { return nil }
        let security = upstream.security
        let grace = grace(of: shelf, security)
        while let connection = shelf.idle.popLast() {
            if connection.canServe(generation: security.generation, grace: grace, now: loop.now) {
                connection.begin(isReused: true)
                shelf.noteUse(now: loop.now)
                return connection
            }
            connection.stream.close()
        }
        return nil
    }

    /// 1 while connections of the generation before may still be used: only where new ones are made in the background, only until
    /// the first of them is there, and not for long. The certificate before is good until its end; what is no longer trusted at
    /// all is ended at once by `Worker.endConnections`.
    private func grace(of shelf: ConnectionShelf, _ security: TLSSource.Current) -> UInt64 {
        guard shelf.upstream.settings.isKeptWarm, security.since &+ Self.graceNanoseconds > loop.now,
            !shelf.idle.contains(where: { $0.isOf(generation: security.generation) })
        else { return 0 }
        return 1
    }

    private static let graceNanoseconds: UInt64 = 10_000_000_000

    func shelf(of upstream: Upstream) -> ConnectionShelf {
        if let known = shelves[ObjectIdentifier(upstream)] { return known }
        let made = ConnectionShelf(upstream)
        shelves[ObjectIdentifier(upstream)] = made
        armSweeper()
        return made
    }

    private func armSweeper() {
        guard !isSweeping else { return }
        isSweeping = true
        loop.arm(sweeper, at: loop.now &+ 1_000_000_000)
    }

    /// Takes a connection back after a request: kept if its answer was read to the end and both sides would go on.
    public func release(_ connection: HTTPClientConnection, for client: Stream? = nil) {
        client?.attempts.0 = nil
        let security = connection.upstream.security
        let shelf = shelf(of: connection.upstream)
        guard connection.isReusable,
            connection.canServe(generation: security.generation, grace: grace(of: shelf, security), now: loop.now)
        else { return connection.stream.close() }
        guard shelf.idle.count < connection.upstream.settings.idleConnections else { return connection.stream.close() }
        connection.idleSince = loop.now
        shelf.idle.append(connection)
    }

    /// Closes what the other side closed, what is too old, and forgets upstreams without connections.
    private func sweep() {
        isSweeping = false
        for (key, shelf) in shelves {
            let security = shelf.upstream.security
            let grace = grace(of: shelf, security)
            shelf.idle.removeAll { connection in
                let expired = connection.idleSince &+ shelf.upstream.settings.idleLife <= loop.now
                guard
                    expired || !connection.canServe(generation: security.generation, grace: grace, now: loop.now)
                else { return false }
                connection.stream.close()
                return true
            }
            if shelf.idle.isEmpty, shelf.living == 0 { shelves[key] = nil }
        }
        if !shelves.isEmpty { armSweeper() }
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
    // Firewalls forget links on which nothing is said.
    _ = mesh_setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    _ = mesh_setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, 25)
    _ = mesh_setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10)
    guard let stream = Stream(descriptor: descriptor, loop: loop) else {
        throw TransportError(.system, "the event loop takes no more connections")
    }
    try client?.begin(stream)
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
