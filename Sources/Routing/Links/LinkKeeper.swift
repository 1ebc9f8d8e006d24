import Gossip
public import Transport

/// Keeps a worker's connections to other nodes ready: dialled before a request needs one, kept alive by a small request, and made anew
/// in the background when they fail or their certificate is renewed. So no request waits for a handshake.
public struct LinkKeeper: Sendable {
    private let router: Router
    private let warmth: ConnectionPool.Warmth
    private let log: @Sendable (String) -> Void

    /// Between two looks at all links, at most.
    private static let roundNanoseconds: UInt64 = 1_000_000_000
    /// For what is done on one link.
    private static let tendNanoseconds: UInt64 = 15_000_000_000
    /// Between two tries of a link that fails, at most.
    private static let longestPause: UInt64 = 30_000_000_000

    public init(router: Router, warmth: ConnectionPool.Warmth, log: @escaping @Sendable (String) -> Void) {
        self.router = router
        self.warmth = warmth
        self.log = log
    }

    public func start(on worker: Worker) {
        worker.spawn { context in await self.run(context, worker) }
    }

    /// What is known of a worker's links while they live.
    private final class State {
        var links: [ObjectIdentifier: Entry] = [:]
    }

    private final class Entry {
        var isBusy = false
        var failures = 0
        var notBefore: UInt64 = 0
    }

    private func run(_ context: WorkerContext, _ worker: Worker) async {
        let alarm = Alarm(loop: context.loop)
        let state = context.attachment(State.self) { State() }
        while true {
            let links = router.view.links
            let known = Set(links.map { ObjectIdentifier($0.upstream) })
            state.links = state.links.filter { known.contains($0.key) || $0.value.isBusy }
            for link in links {
                let entry = entry(of: link, state)
                guard !entry.isBusy, entry.notBefore <= context.loop.now, !isBlocked(link.node) else { continue }
                entry.isBusy = true
                worker.spawn { context in await self.tend(link, context) }
            }
            await alarm.sleep(nanoseconds: min(Self.roundNanoseconds, max(warmth.pingAfter / 4, 20_000_000)))
        }
    }

    private func isBlocked(_ node: NodeID) -> Bool {
        router.blocks.current?.peer(node, nowSeconds: Router.nowSeconds) != nil
    }

    private func entry(of link: MeshLink, _ state: State) -> Entry {
        if let known = state.links[ObjectIdentifier(link.upstream)] { return known }
        let made = Entry()
        state.links[ObjectIdentifier(link.upstream)] = made
        return made
    }

    private func tend(_ link: MeshLink, _ context: WorkerContext) async {
        let entry = entry(of: link, context.attachment(State.self) { State() })
        defer { entry.isBusy = false }
        let deadline = context.loop.now &+ Self.tendNanoseconds
        do throws(TransportError) {
            try await context.pool.tend(link.upstream, warmth, deadline: deadline) {
                (connection) throws(TransportError) in
                try await Self.ping(connection, link.node, deadline: deadline)
            }
            entry.failures = 0
        } catch {
            entry.failures += 1
            let pause = UInt64(1_000_000_000) << UInt64(min(entry.failures - 1, 5))
            entry.notBefore = context.loop.now &+ min(pause, Self.longestPause)
            log("no link to \(link.node): \(error.message)")
        }
    }

    /// The smallest request, which proves that its node is at the other end and answers.
    private static func ping(
        _ connection: HTTPClientConnection, _ node: NodeID, deadline: UInt64
    ) async throws(TransportError) {
        guard connection.stream.peerIdentity as? NodeID == node else {
            throw TransportError(.tls, "another node answers where \(node) was expected")
        }
        connection.startRequest("POST", MeshPort.pingPath.description)
        connection.field("Content-Length", 0)
        connection.endFields()
        try await connection.stream.flush()
        let limit = min(deadline, connection.stream.now &+ 5_000_000_000)
        let status = try await connection.readHead(deadline: limit)
        while try await connection.nextBodyPart(deadline: limit) != nil {}
        guard status == 204 else { throw TransportError(.protocolViolation, "it answered \(status)") }
    }
}
