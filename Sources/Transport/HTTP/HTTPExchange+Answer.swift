/// How the end of an answer's body is known.
public enum AnswerFraming: Sendable {
    case length(Int)
    /// Chunked for HTTP/1.1, ended by closing for HTTP/1.0.
    case streamed
}

extension HTTPExchange {
    /// Begins an answer: status line, `Date`. Then `field`s, then `endFields`.
    public func startAnswer(_ status: Int) {
        precondition(answer == .none, "an exchange has one answer")
        self.status = status
        answer = .head
        omitsBody = head.method == .head
        stream.output.append("HTTP/1.1 ")
        stream.output.append(decimal: status)
        stream.output.append(HTTPStatus.reason(status))
        worker.dateLine.append(to: &stream.output)
    }

    public func field(_ name: StaticString, _ value: StaticString) {
        stream.output.append(name)
        stream.output.append(": ")
        stream.output.append(value)
        stream.output.append("\r\n")
    }

    /// Control bytes in the value become spaces: nothing we were sent can end a field.
    public func field(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        stream.output.append(name)
        stream.output.append(": ")
        appendValue(value)
        stream.output.append("\r\n")
    }

    public func field(_ name: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { field(name, UnsafeRawBufferPointer($0)) }
    }

    public func field(_ name: StaticString, _ value: Int) {
        stream.output.append(name)
        stream.output.append(": ")
        stream.output.append(decimal: value)
        stream.output.append("\r\n")
    }

    /// Passes on a field of another message as it is.
    public func field(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        stream.output.append(name)
        stream.output.append(": ")
        appendValue(value)
        stream.output.append("\r\n")
    }

    private func appendValue(_ value: UnsafeRawBufferPointer) {
        if value.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) {
            stream.output.append(value)
        } else {
            for byte in value { stream.output.append(byte: byte < 32 || byte == 127 ? 32 : byte) }
        }
    }

    /// Takes back an answer of which nothing was sent, so that another can be made.
    public func retractAnswer() {
        precondition(answer == .head, "only an answer whose head is open can be taken back")
        stream.output.removeAll()
        answer = .none
        status = 0
    }

    /// Ends the head. Nothing is sent yet: the first `write` or `finishAnswer` sends it along.
    public func endFields(_ framing: AnswerFraming) {
        precondition(answer == .head, "the answer's head is not open")
        let hasNoBody = status == 204 || status == 304 || status < 200
        if !head.keepAlive || !canDrain { closesAfter = true }
        switch framing {
        case .length(let length):
            lengthLeft = length
            if !hasNoBody { field("Content-Length", length) }
        case .streamed:
            lengthLeft = -1
            if head.minorVersion == 0 {
                closesAfter = true
            } else if !omitsBody, !hasNoBody {
                isChunked = true
                field("Transfer-Encoding", "chunked")
            }
        }
        if closesAfter {
            field("Connection", "close")
        } else if head.minorVersion == 0 {
            field("Connection", "keep-alive")
        }
        stream.output.append("\r\n")
        if hasNoBody { omitsBody = true }
        answer = .body
    }

    /// Sends the head and what was written so far.
    public func flush() async throws(TransportError) {
        try await stream.flush()
    }

    /// Sends a piece of the body at once. With back-pressure: returns when the kernel has taken it.
    public func write(_ bytes: UnsafeRawBufferPointer) async throws(TransportError) {
        precondition(answer == .body, "the answer's body is not open")
        if !bytes.isEmpty, !omitsBody { try await writeFramed(bytes) }
        try await stream.flush()
    }

    private func writeFramed(_ bytes: UnsafeRawBufferPointer) async throws(TransportError) {
        bytesSent += bytes.count
        if isChunked {
            stream.output.append(hexadecimal: bytes.count)
            stream.output.append("\r\n")
        } else if lengthLeft >= 0 {
            precondition(bytes.count <= lengthLeft, "more body than announced")
            lengthLeft -= bytes.count
        }
        if bytes.count <= 16_384 {
            stream.output.append(bytes)
        } else {
            try await stream.flush(then: bytes)
        }
        if isChunked { stream.output.append("\r\n") }
    }

    public func write(_ text: String) async throws(TransportError) {
        let bytes = Array(text.utf8)
        try await write(array: bytes)
    }

    public func write(array bytes: [UInt8]) async throws(TransportError) {
        // Copied into the output: an array's storage cannot be pointed to across a suspension.
        if omitsBody || bytes.isEmpty { return try await stream.flush() }
        bytesSent += bytes.count
        if isChunked {
            stream.output.append(hexadecimal: bytes.count)
            stream.output.append("\r\n")
        } else if lengthLeft >= 0 {
            precondition(bytes.count <= lengthLeft, "more body than announced")
            lengthLeft -= bytes.count
        }
        stream.output.append(bytes)
        if isChunked { stream.output.append("\r\n") }
        try await stream.flush()
    }

    /// Ends the body and sends what is left. A body that is not ended closes the connection, so that a cut is seen as one.
    public func finishAnswer() async throws(TransportError) {
        precondition(answer == .body, "the answer's body is not open")
        if isChunked { stream.output.append("0\r\n\r\n") }
        try await stream.flush()
        if lengthLeft <= 0 || omitsBody { answer = .done }
    }

    /// A whole answer. Does not fail: a client that has gone is seen by `finish`.
    public func respond(status: Int, contentType: StaticString, body: [UInt8], fields: (HTTPExchange) -> Void = { _ in })
        async
    {
        startAnswer(status)
        if !(body.isEmpty && (status == 204 || status == 304)) { field("Content-Type", contentType) }
        fields(self)
        endFields(.length(body.count))
        do throws(TransportError) {
            try await write(array: body)
            try await finishAnswer()
        } catch {}
    }

    public func respond(
        status: Int, contentType: StaticString, body: String, fields: (HTTPExchange) -> Void = { _ in }
    ) async {
        await respond(status: status, contentType: contentType, body: Array(body.utf8), fields: fields)
    }

    /// The answer to bytes that are no request.
    func refuse(_ error: HTTPSyntaxError) async {
        closesAfter = true
        head.reset()
        // OpenAI's shape; the clients of all our routes can read it.
        let type = error.status < 500 ? "invalid_request_error" : "server_error"
        let text = #"{"error":{"message":"\#(error.reason)","type":"\#(type)","param":null,"code":"bad_http"}}"#
        await respond(status: error.status, contentType: "application/json", body: text)
    }
}

/// Reason phrases (RFC 9110 §15), each with the space before and the line's end.
enum HTTPStatus {
    static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: " OK\r\n"
        case 201: " Created\r\n"
        case 202: " Accepted\r\n"
        case 204: " No Content\r\n"
        case 302: " Found\r\n"
        case 303: " See Other\r\n"
        case 304: " Not Modified\r\n"
        case 400: " Bad Request\r\n"
        case 401: " Unauthorized\r\n"
        case 403: " Forbidden\r\n"
        case 404: " Not Found\r\n"
        case 405: " Method Not Allowed\r\n"
        case 408: " Request Timeout\r\n"
        case 409: " Conflict\r\n"
        case 413: " Content Too Large\r\n"
        case 414: " URI Too Long\r\n"
        case 415: " Unsupported Media Type\r\n"
        case 417: " Expectation Failed\r\n"
        case 422: " Unprocessable Content\r\n"
        case 429: " Too Many Requests\r\n"
        case 431: " Request Header Fields Too Large\r\n"
        case 500: " Internal Server Error\r\n"
        case 501: " Not Implemented\r\n"
        case 502: " Bad Gateway\r\n"
        case 503: " Service Unavailable\r\n"
        case 504: " Gateway Timeout\r\n"
        case 505: " HTTP Version Not Supported\r\n"
        default: " -\r\n"
        }
    }
}
