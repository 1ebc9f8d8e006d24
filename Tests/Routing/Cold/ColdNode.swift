import Gossip

@testable import Routing
@testable import Transport

/// What a test's server does with a request.
typealias Answering = @Sendable (HTTPExchange) async -> Void

private struct Handler: HTTPHandler {
    let body: Answering
    func handle(_ exchange: HTTPExchange) async { await body(exchange) }
    func refused(_ error: TransportError, from address: SocketAddress?) {}
}

/// A node's router on real sockets, before a server for each place of one model. What the model's state is, the test says.
struct ColdNode {
    let router: Router
    let models: [LocalModel]
    private let workers: [Worker]
    private let client: Worker
    private let address: SocketAddress

    /// - Parameters:
    ///   - keepAlive: nanoseconds.
    ///   - patience: seconds that a client waits for a model that is being started.
    init(_ servers: [Answering], keepAlive: UInt64 = 30_000_000, patience: Double = 30) async throws {
        workers = [try Worker(index: 0), try Worker(index: 0)]
        client = try Worker(index: 0)
        for worker in workers + [client] { worker.start() }
        var models: [LocalModel] = []
        for server in servers {
            let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
            await workers[1].serve(socket, HTTPService(handler: Handler(body: server)))
            models.append(
                LocalModel(
                    declared: Variant(id: "m", state: .running, backend: "openai"), upstreamModel: "m",
                    backend: .server(
                        InferenceServer(
                            upstream: Upstream(target: HostPort(host: "127.0.0.1", port: socket.address.port), tls: nil),
                            basePath: "", kind: "openai")),
                    gate: Gate(slots: 4), declaredSlots: 4))
        }
        self.models = models
        var timeouts = ForwardTimeouts()
        timeouts.streamKeepAlive = keepAlive
        let router = Router(me: NodeID(site: "home", node: "h1"), timeouts: timeouts, seed: 1)
        self.router = router
        let socket = try ListeningSocket.bind(SocketAddress(bytes: [127, 0, 0, 1], port: 0), count: 1)
        address = socket.address
        let front: Answering = { exchange in await Self.forward(exchange, router, patience: patience) }
        await workers[0].serve(socket, HTTPService(handler: Handler(body: front)))
    }

    func stop() { for worker in workers + [client] { worker.stop() } }

    /// Sets what is known of the model at each place, the first of which is this node's own.
    func set(_ state: ModelState, eta: Double? = nil, _ edit: (inout Variant) -> Void = { _ in }) {
        var candidates: [Candidate] = []
        for (index, model) in models.enumerated() {
            var variant = Variant(id: "m", state: state, backend: "openai", engine: .declared("vLLM"))
            variant.etaSeconds = eta
            edit(&variant)
            candidates.append(
                Candidate(
                    node: NodeID(site: "s\(index)", node: "n"), isLocal: index == 0, nodeState: .alive, isDraining: false,
                    variant: variant, load: model.gate.load))
        }
        let routes = ModelRoutes(id: "m", candidates: candidates, targets: models.map { .local($0) })
        router.setView(
            RoutingView(
                routes: ["m": routes], models: ["m"], mesh: MeshView(at: Instant(nanoseconds: 0), nodes: [])))
    }

    private static func forward(_ exchange: HTTPExchange, _ router: Router, patience: Double) async {
        guard let body = try? await exchange.readBody(limit: 1 << 20), let routes = router.view.routes["m"],
            let scan = try? InferenceBody.scan(UnsafeRawBufferPointer(rebasing: exchange.headBytes[body])),
            let model = scan.model
        else { return await exchange.respond(status: 400, contentType: "text/plain", body: "bad") }
        let now = exchange.worker.loop.now
        var request = ForwardRequest(
            path: "/v1/chat/completions", body: body, modelRange: model, needs: RequestNeeds(model: "m"), requestID: "r",
            user: "u", isStream: scan.stream, deadline: now + 30_000_000_000)
        request.patience = now + UInt64(patience * 1e9)
        request.resumes = exchange.text(named: "mesh-resume") != nil
        let failure = await router.route(request, routes: routes, on: exchange) { exchange, origin in
            exchange.field("X-Entry", "home")
            if let origin { exchange.field("X-Mesh-Site", origin.site) }
        }
        guard let failure else { return }
        await exchange.respond(
            status: failure.status, contentType: "text/plain",
            body: "\(failure.kind.rawValue) eta=\(failure.etaSeconds.map { "\($0)" } ?? "null")")
    }

    /// All that the node says to one request, its lines ended by LF alone.
    ///
    /// - Parameters:
    ///   - waits: so many times it is to say that it waits before something is done about that.
    ///   - leaves: the client goes then.
    ///   - other: what happens beside it, from the beginning.
    func hear(
        stream: Bool = true, resumes: Bool = false, waits: Int = 2, leaves: Bool = false,
        then action: @escaping @Sendable () -> Void = {},
        meanwhile other: @escaping @Sendable () async -> Void = {}
    ) async -> String {
        let address = address
        Task { await other() }
        return await client.run { context in
            let deadline = context.loop.now + 30_000_000_000
            guard let connection = try? await connect(context.loop, to: address, deadline: deadline) else {
                return "no connection"
            }
            defer { connection.close() }
            let body = #"{"model":"m","stream":\#(stream),"messages":[{"role":"user","content":"hi"}]}"#
            connection.output.append(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n"
                    + (resumes ? "Mesh-Resume: continue\r\n" : "") + "\r\n" + body)
            try? await connection.flush()
            connection.readDeadline = deadline
            var isDone = false
            if waits == 0 {
                action()
                isDone = true
            }
            while (try? await connection.fill()) ?? 0 > 0 {
                let text = Self.text(connection)
                if !isDone, text.components(of: ": waiting for m to start at site s").count > waits {
                    isDone = true
                    if leaves { return text }
                    action()
                }
            }
            return Self.text(connection)
        }
    }

    /// Without carriage returns, so that lines end in one way.
    private static func text(_ connection: Stream) -> String {
        String(decoding: connection.input.readable.filter { $0 != 13 }, as: UTF8.self)
    }
}

extension String {
    /// Split at each occurrence of another text.
    func components(of text: String) -> [Substring] { split(separator: text, omittingEmptySubsequences: false) }

    func count(of text: String) -> Int { components(of: text).count - 1 }
}

/// Servers of one kind or another.
enum Answers {
    private static func chunk(_ delta: String, _ reason: String = "null") -> String {
        #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(reason)}]}"#
            + "\n\n"
    }

    private static func begin(_ exchange: HTTPExchange) {
        exchange.startAnswer(200)
        exchange.field("Content-Type", "text/event-stream")
        exchange.endFields(.streamed)
    }

    /// A stream of two words.
    static let streams: Answering = { exchange in
        _ = try? await exchange.readBody(limit: 1 << 20)
        begin(exchange)
        do throws(TransportError) {
            try await exchange.write(chunk(#"{"role":"assistant","content":"well"}"#))
            try await exchange.write(chunk(#"{"content":" done"}"#) + chunk("{}", #""stop""#) + "data: [DONE]\n\n")
            try await exchange.finishAnswer()
        } catch {}
    }

    /// The same, after a silence.
    static let streamsLate: Answering = { exchange in
        await Alarm(loop: exchange.worker.loop).sleep(nanoseconds: 300_000_000)
        await streams(exchange)
    }

    /// One word, and then it is gone.
    static let breaks: Answering = { exchange in
        _ = try? await exchange.readBody(limit: 1 << 20)
        begin(exchange)
        try? await exchange.write(chunk(#"{"role":"assistant","content":"well"}"#))
        exchange.stream.close()
    }

    /// Gone without a word.
    static let closes: Answering = { exchange in exchange.stream.close() }

    /// Gone after its head.
    static let closesAfterHead: Answering = { exchange in
        _ = try? await exchange.readBody(limit: 1 << 20)
        begin(exchange)
        try? await exchange.flush()
        exchange.stream.close()
    }

    /// An answer in one piece to whoever asks for a stream.
    static let whole: Answering = { exchange in
        _ = try? await exchange.readBody(limit: 1 << 20)
        await exchange.respond(status: 200, contentType: "application/json", body: #"{"choices":[]}"#)
    }

    static let fails: Answering = { exchange in
        _ = try? await exchange.readBody(limit: 1 << 20)
        await exchange.respond(status: 500, contentType: "text/plain", body: "out of memory")
    }

    static let refuses: Answering = { exchange in await refuse(exchange, "too \\\"hot\\\"", "invalid_value") }
    static let findsTooLong: Answering = { exchange in await refuse(exchange, "too long", "context_length_exceeded") }

    private static func refuse(_ exchange: HTTPExchange, _ message: String, _ code: String) async {
        _ = try? await exchange.readBody(limit: 1 << 20)
        let body =
            #"{"error":{"message":"\#(message)","type":"invalid_request_error","param":null,"code":"\#(code)"}}"#
        await exchange.respond(status: 400, contentType: "application/json", body: body)
    }
}
