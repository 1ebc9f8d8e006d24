import Glibc
import Synchronization

/// What lives on one loop: plain variables, no locks. Never leaves its worker.
public final class WorkerContext {
    public let loop: Loop
    /// This worker's number, from 0.
    public let index: Int
    public let resolver: Resolver
    public let pool: ConnectionPool
    let dateLine: DateLine
    /// What modules above keep for each worker, by their own key.
    private var attachments: [ObjectIdentifier: AnyObject] = [:]

    init(loop: Loop, index: Int) {
        self.loop = loop
        self.index = index
        let resolver = Resolver(loop: loop)
        self.resolver = resolver
        pool = ConnectionPool(loop: loop, resolver: resolver)
        dateLine = DateLine()
    }

    /// This worker's own object of a type, made at its first use.
    public func attachment<Value: AnyObject>(_ type: Value.Type, _ make: () -> Value) -> Value {
        let key = ObjectIdentifier(type)
        if let found = attachments[key] as? Value { return found }
        let made = make()
        attachments[key] = made
        return made
    }
}

/// One loop with its thread, and the connections on it.
public actor Worker {
    public nonisolated let loop: Loop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    let context: WorkerContext
    private var acceptors: [Acceptor] = []
    private var connections: [ObjectIdentifier: HTTPServerConnection] = [:]
    private var draining = false

    public init(index: Int) throws(TransportError) {
        let loop = try Loop()
        self.loop = loop
        context = WorkerContext(loop: loop, index: index)
    }

    /// Runs the loop on a thread of its own until `stop`.
    public nonisolated func start() {
        let loop = loop
        startThread(name: "loop") { loop.run() }
    }

    public nonisolated func stop() { loop.stop() }

    /// Runs `body` on this worker, with its own state.
    public func run<Result: Sendable>(_ body: @Sendable (WorkerContext) async -> Result) async -> Result {
        await body(context)
    }

    /// Starts `body` on this worker and does not wait for it.
    public nonisolated func spawn(_ body: @escaping @Sendable (WorkerContext) async -> Void) {
        Task(executorPreference: loop) { await self.run(body) }
    }

    /// Takes connections from a socket and serves HTTP on each.
    public func serve(_ socket: ListeningSocket, _ service: HTTPService) {
        let own = socket.shared ? dup(socket.descriptors[0]) : socket.descriptors[context.index]
        let acceptor = Acceptor(descriptor: own, loop: loop) { descriptor in
            self.assumeIsolated { $0.accepted(descriptor, service) }
        }
        acceptors.append(acceptor)
        acceptor.start()
    }

    private func accepted(_ descriptor: Int32, _ service: HTTPService) {
        guard service.admitConnection() else {
            Glibc.close(descriptor)
            return
        }
        Task(executorPreference: loop) { await self.converse(descriptor, service) }
    }

    private func converse(_ descriptor: Int32, _ service: HTTPService) async {
        defer { service.connectionEnded() }
        guard let stream = Stream(descriptor: descriptor, loop: loop) else { return }
        await converse(over: stream, service)
    }

    /// Serves HTTP over a connection that came by another way than a listener, whoever dialled it; returns at once.
    public nonisolated func serve(over socket: OwnedSocket, _ service: HTTPService) {
        Task(executorPreference: loop) { await self.take(socket, service) }
    }

    private func take(_ socket: OwnedSocket, _ service: HTTPService) async {
        guard service.admitConnection() else { return }
        defer { service.connectionEnded() }
        guard let stream = socket.stream(on: loop) else { return }
        await converse(over: stream, service)
    }

    /// Dials `address` and serves HTTP over that connection: for a site that can only connect outwards. Returns when it ends.
    ///
    /// - Parameter tls: the dialler's role in TLS, shaken before `service`'s own, which should then have none.
    public func serve(
        dialling address: SocketAddress, tls: TLSContext? = nil, serverName: String? = nil, deadline: UInt64,
        _ service: HTTPService
    ) async throws(TransportError) {
        let stream = try await connect(loop, to: address, deadline: deadline)
        if let tls {
            do throws(TransportError) {
                try await stream.startTLS(tls, serverName: serverName, deadline: deadline)
            } catch {
                stream.close()
                throw error
            }
        }
        await converse(over: stream, service)
    }

    private func converse(over stream: Stream, _ service: HTTPService) async {
        let connection = HTTPServerConnection(stream: stream, service: service, worker: context)
        connections[ObjectIdentifier(connection)] = connection
        connection.isDraining = draining
        await connection.run()
        connections[ObjectIdentifier(connection)] = nil
    }

    /// Stops listening, closes idle connections, and lets requests under way end; each then closes its connection.
    public func drain() {
        draining = true
        for acceptor in acceptors { acceptor.close() }
        acceptors.removeAll()
        for connection in connections.values { connection.drain() }
    }

    /// Ends every connection, taken or made on this loop, with a peer that is no longer trusted: what waits on it fails with
    /// `error` at once, and no idle one is used again.
    ///
    /// - Parameter peer: given who a peer proved to be (`Stream.peerIdentity`), whether it is meant.
    /// - Returns: how many were ended.
    @discardableResult
    public func endConnections(_ error: TransportError, where peer: @Sendable (any Sendable) -> Bool) -> Int {
        loop.endConnections(error, where: peer)
    }

    /// Ends every connection, taken or made on this loop, of which one side's certificate is past its end: what waits on it
    /// fails with `.expired`. To be called now and then.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: how many were ended.
    @discardableResult
    public func endExpiredConnections(now: Int64) -> Int {
        loop.endExpired(
            TransportError(.expired, "the certificate that this connection was made with has ended"), now: now)
    }

    /// Connections that still serve a request.
    public var openConnections: Int { connections.count }
}
