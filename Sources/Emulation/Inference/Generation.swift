import Transport

/// One answer in the making: which token is due when, and how it is written.
///
/// Timers fire every 16 ms at most: at more than about 60 tokens a second several are sent at once, each in its own event.
final class Generation {
    /// Sent in one go at most, of each choice, so that memory is bounded however fast the tokens come.
    static let tokensAtOnce = 64
    /// What is due within a millisecond is due: far less than timers resolve. Nanoseconds.
    private static let tolerance: UInt64 = 1_000_000
    static let fingerprint = "simulated by meshnode"

    let request: InferenceRequest
    let exchange: HTTPExchange
    let server: InferenceServer
    let text: MadeUpText
    private let alarm: Alarm
    /// When the slot was had; monotonic nanoseconds.
    private let beganAt: UInt64
    private let timeToFirstToken: UInt64

    init(_ request: InferenceRequest, _ exchange: HTTPExchange, _ server: InferenceServer) {
        self.request = request
        self.exchange = exchange
        self.server = server
        text = MadeUpText(promptHash: request.promptHash)
        alarm = Alarm(loop: exchange.worker.loop)
        beganAt = exchange.stream.now
        timeToFirstToken = UInt64(server.settings.timeToFirstTokenSeconds * 1e9)
    }

    /// Waits until token number `index`, from 0, is due.
    ///
    /// - Throws: when the client goes, at once.
    func waitForToken(_ index: Int) async throws(TransportError) {
        let due = beganAt &+ timeToFirstToken &+ UInt64(Double(index) / server.settings.tokensPerSecond * 1e9)
        try checkClient()
        while exchange.stream.now &+ Self.tolerance < due {
            let alarm = alarm
            exchange.stream.hangUpAction = { alarm.ring() }
            await alarm.sleep(nanoseconds: due &- exchange.stream.now)
            exchange.stream.hangUpAction = nil
            try checkClient()
        }
    }

    private func checkClient() throws(TransportError) {
        if exchange.clientIsGone { throw TransportError(.cancelled, "the client has left") }
    }

    /// Tokens that should have been sent by now; called when one is due, so at least `sent` + 1.
    func tokensDue(sent: Int, of count: Int) -> Int {
        let since =
            Double(exchange.stream.now &+ Self.tolerance &- beganAt &- timeToFirstToken) / 1e9
            * server.settings.tokensPerSecond
        let due = Int(min(since, Double(count))) + 1
        return min(max(due, sent + 1), count, sent + Self.tokensAtOnce)
    }

    func noteFirstToken() { server.metrics.timeToFirstToken.add(nanoseconds: exchange.stream.now &- exchange.startedAt) }

    func noteEnd(_ reason: String) {
        server.metrics.end(reason)
        server.metrics.latency.add(nanoseconds: exchange.stream.now &- exchange.startedAt)
    }

    var finishReason: String { request.stops ? "stop" : "length" }

    var usage: String {
        let completion = request.kind == .embedding ? 0 : request.tokens * request.choices
        return "{\"prompt_tokens\":\(request.promptTokens),\"total_tokens\":\(request.promptTokens + completion),"
            + "\"completion_tokens\":\(completion)}"
    }

    /// What every answer, and every event of one, begins with.
    func opening(id: String, object: String) -> String {
        "{\"id\":\"\(id)\",\"object\":\"\(object)\",\"created\":\(server.created),\"model\":\(JSONText.quoted(request.model)),"
            + "\"system_fingerprint\":\"\(Self.fingerprint)\","
    }
}
