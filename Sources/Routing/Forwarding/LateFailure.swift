import Transport

/// An error that comes when the head of a stream has gone out already: what would have been a status and a body becomes the stream's
/// last event.
struct LateFailure: Equatable {
    /// What the status would have been.
    var status: Int
    var code: String
    var message: String
    /// Which site it comes from; nil: none was found.
    var site: String?
    var retryAfterSeconds: Int?
    /// When the model is expected to run; nil: nobody knows, or it is not that.
    var etaSeconds: Double?

    /// What a backend said, which is the last word on the request.
    init(status: Int, body: [UInt8], site: String) {
        let told = FirstError(status: status, body: body, otherwise: "the server at site \(site) answered \(status)")
        self.status = status
        self.site = site
        code = String((told.code ?? "upstream_refused").prefix(100))
        message = Self.message(told)
    }

    private static func message(_ told: FirstError) -> String { String(told.message.prefix(2000)) }

    /// - Parameter site: which was asked last; nil: none.
    init(_ failure: RoutingFailure, site: String?) {
        status = failure.status
        code = failure.kind.rawValue
        message = failure.message
        if let answer = failure.answer {
            status = answer.status
            message = Self.message(FirstError(status: status, body: answer.body, otherwise: failure.message))
        }
        self.site = failure.site ?? site
        retryAfterSeconds = failure.retryAfterSeconds
        etaSeconds = failure.etaSeconds
    }

    /// The event, in the shape of all that end a broken stream, with what else the answer's head and body would have told.
    var event: String {
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
        return #"data: {"error":{"message":"\#(jsonEscaped(message))","type":"mesh_stream_interrupted","param":null,"#
            + #""code":"\#(jsonEscaped(code))","site":\#(site.map { "\"\(jsonEscaped($0))\"" } ?? "null"),"tokensDelivered":0,"#
            + #""status":\#(status),"retryAfterSeconds":\#(retryAfterSeconds.map { "\($0)" } ?? "null"),"#
            + #""eta_seconds":\#(number(etaSeconds))}}"# + "\n\n"
    }
}

extension HTTPExchange {
    /// Begins a stream before there is anything to be streamed.
    ///
    /// - Parameter fields: writes this node's own fields.
    func beginStreamEarly(fields: (HTTPExchange) -> Void) {
        startAnswer(200)
        field("Content-Type", "text/event-stream")
        field("Cache-Control", "no-cache")
        field("X-Accel-Buffering", "no")
        fields(self)
        endFields(.streamed)
        answersWithEvents = true
    }

    /// Ends a stream that brought nothing: an error event and no `[DONE]`.
    func say(_ failure: LateFailure) async throws(TransportError) {
        try await write(failure.event)
        try await finishAnswer()
    }
}

/// Comments of an event stream (WHATWG HTML §9.2.6): a line each, whatever is in their text.
enum EventComment {
    /// Bytes of one line at most.
    static let lineBytes = 1000

    static func of(_ lines: [String]) -> String {
        lines.map { ": " + printable($0) + "\n" }.joined() + "\n"
    }

    /// Other nodes' words may be in it: nothing in them ends the line.
    private static func printable(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= lineBytes else { break }
            line.append(scalar.value < 32 || scalar.value == 127 ? " " : scalar)
        }
        return String(line)
    }
}
