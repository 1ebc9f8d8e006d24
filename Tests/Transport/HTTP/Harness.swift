import Synchronization
import Testing

@testable import Transport

/// What a test's server does with a request.
struct Handler: HTTPHandler {
    let body: @Sendable (HTTPExchange) async -> Void
    var refusals = Refusals()

    func handle(_ exchange: HTTPExchange) async { await body(exchange) }
    func refused(_ error: TransportError, from address: SocketAddress?) { refusals.add(error.message) }
}

final class Refusals: Sendable {
    private let texts = Mutex<[String]>([])
    func add(_ text: String) { texts.withLock { $0.append(text) } }
    var all: [String] { texts.withLock { $0 } }
}

/// A count that any thread may raise.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    @discardableResult func raise() -> Int { value.add(1, ordering: .sequentiallyConsistent).newValue }
    var count: Int { value.load(ordering: .sequentiallyConsistent) }
}

/// Two workers, a server on both, and a third worker for clients.
struct Servers {
    let workers: [Worker]
    let client: Worker
    let address: SocketAddress
    let service: HTTPService

    static func start(
        tls: TLSContext? = nil, timeouts: HTTPServerTimeouts = HTTPServerTimeouts(), refusals: Refusals = Refusals(),
        _ body: @escaping @Sendable (HTTPExchange) async -> Void
    ) async throws -> Servers {
        let workers = [try Worker(index: 0), try Worker(index: 1)]
        let client = try Worker(index: 0)
        let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 2)
        let service = HTTPService(
            handler: Handler(body: body, refusals: refusals), securedBy: TLSSource(tls), timeouts: timeouts)
        for worker in workers {
            worker.start()
            await worker.serve(socket, service)
        }
        client.start()
        return Servers(workers: workers, client: client, address: socket.address, service: service)
    }

    func upstream(_ edit: (inout Upstream.Settings) -> Void = { _ in }, tls: TLSContext? = nil, name: String? = nil)
        -> Upstream
    {
        var settings = Upstream.Settings()
        edit(&settings)
        return Upstream(
            target: HostPort(host: address.host, port: address.port), tls: tls, serverName: name, settings: settings)
    }

    func stop() {
        for worker in workers + [client] { worker.stop() }
    }
}

/// Only ends a hang.
func soon(_ context: WorkerContext) -> UInt64 { context.loop.now + 30_000_000_000 }

/// The text of an answer, or the error's code.
func ask(
    _ context: WorkerContext, _ upstream: Upstream, method: StaticString = "GET", _ target: String = "/", body: String = "",
    deadline: UInt64? = nil
) async -> String {
    do throws(TransportError) {
        let answer = try await context.pool.request(
            upstream, method: method, target: target, body: Array(body.utf8), limit: 1 << 24,
            deadline: deadline ?? soon(context))
        return "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
    } catch { return "\(error.code)" }
}
