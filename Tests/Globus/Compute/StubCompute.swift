import Synchronization
import Transport

@testable import Globus

/// A Compute service on loopback that says what the test wants.
final class StubCompute: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        var authorization: String?
        var body: String
    }

    enum Answer: Sendable {
        case json(Int, String, retryAfter: String? = nil)
        /// The connection ends without an answer, after the request was read.
        case broken

        static func ok(_ body: String) -> Answer { .json(200, body) }
    }

    private let worker: Worker
    let address: SocketAddress
    private let seen = Mutex<[Request]>([])
    private let script: @Sendable (Int, Request) -> Answer

    /// - Parameter script: is told how many requests of this path came before.
    init(_ script: @escaping @Sendable (Int, Request) -> Answer) async throws {
        self.script = script
        worker = try Worker(index: 0)
        let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
        address = socket.address
        worker.start()
        await worker.serve(socket, HTTPService(handler: Handler(stub: self)))
    }

    func stop() { worker.stop() }

    var base: String { "http://127.0.0.1:\(address.port)" }
    var requests: [Request] { seen.withLock { $0 } }
    func requests(_ path: String) -> [Request] { requests.filter { $0.path.hasSuffix(path) } }

    private func note(_ request: Request) -> Int {
        seen.withLock { seen in
            defer { seen.append(request) }
            return seen.count { $0.path == request.path }
        }
    }

    private struct Handler: HTTPHandler {
        let stub: StubCompute

        func handle(_ exchange: HTTPExchange) async {
            let authorization = exchange.text(named: "authorization")
            let method = exchange.withHead { head, _ in head.method == .post ? "POST" : "GET" }
            let path = exchange.path
            let body: String
            do throws(HTTPSyntaxError) {
                let range = try await exchange.readBody(limit: 32 << 20)
                body = String(decoding: exchange.stream.input.readable[range], as: UTF8.self)
            } catch { return exchange.stream.close() }
            let request = Request(method: method, path: path, authorization: authorization, body: body)
            switch stub.script(stub.note(request), request) {
            case .broken: exchange.stream.close()
            case .json(let status, let body, let retryAfter):
                await exchange.respond(status: status, contentType: "application/json", body: body) { exchange in
                    if let retryAfter { exchange.field("Retry-After", retryAfter) }
                }
            }
        }

        func refused(_ error: TransportError, from address: SocketAddress?) {}
    }
}

/// Tokens that are numbered: dropping one brings the next.
final class NumberedTokens: TokenSource {
    private let number = Mutex(1)
    func token() async throws(GlobusError) -> String { "token-\(number.withLock { $0 })" }
    func drop(_ token: String) {
        number.withLock { number in if token == "token-\(number)" { number += 1 } }
    }
}

extension ComputeService {
    static let endpointID = "0d6ede5e-c2dc-4d8d-a371-e897c1e5d419"
    static let functionID = "f5db6f81-f47b-4c6f-a3c7-f27e989d74a4"

    /// A service for tests: as usual, but that the budget is no hindrance and failures are repeated soon.
    static func test(_ stub: StubCompute, logs: Logs = Logs(), _ change: (inout ComputeSettings) -> Void = { _ in })
        -> ComputeService
    {
        var settings = ComputeSettings()
        settings.requestsPerWindow = 2000
        settings.backoffSeconds = 0.02
        settings.youngPollSeconds = 0.02
        change(&settings)
        let service = ComputeService(
            settings: settings, services: GlobusServices(everythingAt: stub.base), token: NumberedTokens(), web: WebClient(),
            log: { logs.add($0) })
        service.run()
        return service
    }

    func order(_ arguments: String = "6\n11\n[1]5\n11\n{}", deadlineSeconds: Double = 30) throws -> ComputeTask {
        try submit(
            ComputeOrder(
                endpoint: Self.endpointID, function: Self.functionID, arguments: arguments, deadlineSeconds: deadlineSeconds)
        )
    }

    /// Nothing is held of any task.
    var isEmpty: Bool {
        state.withLock {
            $0.tasks.isEmpty && $0.machine.tasks.isEmpty && $0.machine.heldBytes == 0 && $0.machine.numbers.isEmpty
        }
    }
}

final class Logs: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

/// What the service says to a submit of `count` tasks.
func submitAnswer(_ ids: String...) -> StubCompute.Answer {
    let list = ids.map { "\"\($0)\"" }.joined(separator: ", ")
    return .ok(
        #"{"request_id": "r", "task_group_id": "f38f3d35-6cfa-44fe-88fa-71cc5bc639bf", "endpoint_id": "\#(ComputeService.endpointID)", "tasks": {"\#(ComputeService.functionID)": [\#(list)]}}"#
    )
}

/// A poll's answer with these members of `results`.
func pollAnswer(_ results: String...) -> StubCompute.Answer {
    .ok(#"{"response": "batch", "results": {\#(results.joined(separator: ", "))}}"#)
}

func success(_ id: String, _ result: String = #"11\n{\"x\": 1}"#) -> String {
    #""\#(id)": {"task_id": "\#(id)", "status": "success", "result": "\#(result)", "completion_t": "1795474821.37"}"#
}
