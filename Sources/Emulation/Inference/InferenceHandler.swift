import Transport

/// The routes of a simulated server.
final class InferenceHandler: HTTPHandler {
    static let bodyBytesAllowed = 32 << 20
    static let version = "0.0.0+simulated"

    private let settings: SimulatedServerSettings
    private let startedAt: UInt64

    init(settings: SimulatedServerSettings, startedAt: UInt64) {
        self.settings = settings
        self.startedAt = startedAt
    }

    func refused(_ error: TransportError, from address: SocketAddress?) {}

    func handle(_ exchange: HTTPExchange) async {
        let server = exchange.worker.attachment(InferenceServer.self) {
            InferenceServer(settings: settings, startedAt: startedAt)
        }
        let streams = exchange.worker.attachment(StreamsUnderWay.self) { StreamsUnderWay() }
        let stream = exchange.stream
        streams.add(stream)
        defer { streams.remove(stream) }
        let state = server.state(now: stream.now)
        if state == .offline { return stream.close() }
        if state == .failed {
            return await refuse(exchange, Refusal(500, "InternalServerError", "the simulated model has failed"))
        }

        let path = exchange.path
        let method = exchange.head.method
        switch path {
        case "/v1/chat/completions", "/v1/completions", "/v1/embeddings":
            guard method == .post else { return await detail(exchange, 405, "Method Not Allowed", allow: "POST") }
        case "/v1/models", "/health", "/metrics", "/version", "/props":
            guard method == .get || method == .head else {
                return await detail(exchange, 405, "Method Not Allowed", allow: "GET, HEAD")
            }
        default: return await detail(exchange, 404, "Not Found")
        }
        switch path {
        case "/v1/chat/completions": await infer(.chat, exchange, server, state)
        case "/v1/completions": await infer(.completion, exchange, server, state)
        case "/v1/embeddings": await infer(.embedding, exchange, server, state)
        case "/v1/models": await models(exchange, server, state)
        case "/health": await health(exchange, state)
        case "/metrics":
            let text = server.metrics.text(
                model: settings.model, running: server.slots.running, waiting: server.slots.waiting)
            await exchange.respond(status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: text)
        // llama.cpp's way to tell how many requests run at once.
        case "/props": await json(exchange, 200, "{\"total_slots\":\(settings.slots)}")
        default: await json(exchange, 200, "{\"version\":\"\(Self.version)\"}")
        }
    }
}
