import Emulation
import FoundationEssentials
import Testing
import Transport

/// A simulated server and a client, each on a loop of its own.
struct Harness {
    let server: SimulatedServerHandle
    let client: Worker
    let upstream: Upstream

    init(_ settings: SimulatedServerSettings) throws {
        server = try SimulatedServer.start(settings)
        client = try Worker(index: 0)
        client.start()
        upstream = Upstream(target: HostPort(host: "127.0.0.1", port: server.address.port), tls: nil)
    }

    func stop() async {
        await server.stop()
        client.stop()
    }

    /// Quick answers, unless a test is about time.
    static func settings(_ change: (inout SimulatedServerSettings) -> Void = { _ in }) -> SimulatedServerSettings {
        var settings = SimulatedServerSettings(model: "test/model")
        settings.timeToFirstTokenSeconds = 0
        settings.tokensPerSecond = 1_000_000
        change(&settings)
        return settings
    }

    func ask(_ method: StaticString, _ target: String, _ body: String = "") async -> Result<HTTPAnswer, TransportError> {
        let upstream = upstream
        return await client.run { context in
            do throws(TransportError) {
                return .success(
                    try await context.pool.request(
                        upstream, method: method, target: target, body: Array(body.utf8), limit: 16 << 20, deadline: .max))
            } catch { return .failure(error) }
        }
    }

    func get(_ target: String) async throws -> HTTPAnswer { try await ask("GET", target).get() }
    func post(_ target: String, _ body: String) async throws -> HTTPAnswer { try await ask("POST", target, body).get() }

    /// Sends a request and hands back the open connection without waiting for the answer.
    func begin(_ target: String, _ body: String, announcing length: Int? = nil) async throws -> OpenRequest {
        let upstream = upstream
        let result: Result<OpenRequest, TransportError> = await client.run { context in
            do throws(TransportError) {
                let connection = try await context.pool.acquire(upstream, fresh: true)
                connection.startRequest("POST", target)
                connection.field("Content-Length", length ?? body.utf8.count)
                connection.endFields()
                connection.stream.output.append(body)
                try await connection.stream.flush()
                return .success(OpenRequest(context, connection))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// The value of one metric.
    func metric(_ name: String) async throws -> Int {
        let text = String(decoding: try await get("/metrics").body, as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("vllm:\(name){") })
        #expect(line.contains("model_name=\"test/model\""))
        return try #require(line.split(separator: " ").last.flatMap { Int($0) })
    }

    /// Asks until the server counts these.
    func waitUntil(running: Int, waiting: Int) async throws {
        while try await metric("num_requests_running") != running { await Task.yield() }
        while try await metric("num_requests_waiting") != waiting { await Task.yield() }
    }
}

/// A connection that stays on its worker; only its number travels.
struct OpenRequest: Sendable {
    final class Table { var connections: [Int: HTTPClientConnection] = [:] }
    let number: Int

    init(_ context: WorkerContext, _ connection: HTTPClientConnection) {
        let table = context.attachment(Table.self) { Table() }
        number = table.connections.count
        table.connections[number] = connection
    }

    func leave(_ harness: Harness) async {
        let number = number
        await harness.client.run { $0.attachment(Table.self) { Table() }.connections[number]?.stream.close() }
    }

    /// The answer's status.
    func status(_ harness: Harness) async throws -> Int {
        let number = number
        let result: Result<Int, TransportError> = await harness.client.run { context in
            guard let connection = context.attachment(Table.self, { Table() }).connections[number] else {
                return .failure(TransportError(.system, "no such request"))
            }
            do throws(TransportError) {
                return .success(try await connection.readHead(deadline: .max))
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// An answer or an event, as OpenAI's clients read it, with the protocol's own names.
// swift-format-ignore: AlwaysUseLowerCamelCase
struct Completion: Decodable {
    struct Choice: Decodable {
        struct Message: Decodable {
            var role: String?
            var content: String?
        }
        var index: Int
        var message: Message?
        var delta: Message?
        var text: String?
        var finish_reason: String?
    }
    struct Usage: Decodable, Equatable {
        var prompt_tokens: Int
        var completion_tokens: Int
        var total_tokens: Int
    }
    var id: String
    var object: String
    var model: String
    var system_fingerprint: String
    var choices: [Choice]
    var usage: Usage?

    static func read(_ bytes: [UInt8]) throws -> Completion { try JSONDecoder().decode(Completion.self, from: Data(bytes)) }

    /// The events of a stream; the last must be `[DONE]`.
    static func events(_ bytes: [UInt8]) throws -> [Completion] {
        var blocks = String(decoding: bytes, as: UTF8.self).split(separator: "\n\n")
        #expect(blocks.popLast() == "data: [DONE]")
        return try blocks.map { block in
            #expect(block.hasPrefix("data: "))
            return try read(Array(block.dropFirst(6).utf8))
        }
    }
}

struct ServerError: Decodable {
    struct Detail: Decodable {
        var message: String
        var type: String
        var param: String?
        var code: Int
    }
    var error: Detail

    static func read(_ bytes: [UInt8]) throws -> Detail {
        try JSONDecoder().decode(ServerError.self, from: Data(bytes)).error
    }
}
