/// One connection in the role of HTTP client, whoever dialled it.
///
/// A request is written to `stream.output` head first (`startRequest`, `field`, `endFields`), then `stream.flush()`; its answer is
/// read with `readHead` and `nextBodyPart`.
public final class HTTPClientConnection {
    public let stream: Stream
    public let upstream: Upstream
    /// The answer's head; its ranges are offsets into `headBytes`.
    public private(set) var head = HTTPHead(.response)
    /// True when the connection carried a request before this one: a reset before the first byte is then the server's idle
    /// time-out, not a failure.
    public private(set) var isReused = false
    /// True once any byte of this answer has come.
    public private(set) var sawFirstByte = false

    private let generation: UInt64
    private let retireAt: UInt64
    var idleSince: UInt64 = 0
    /// Counts it among the living; nil outside of a pool.
    var shelf: ConnectionShelf? { didSet { shelf?.living += 1 } }

    private enum Body { case none, length(Int), chunked, untilClose, complete }
    private var body = Body.none
    private var decoder = ChunkDecoder()
    /// Bytes at the front of the input that were handed out and are done with at the next call.
    private var handedOut = 0
    private var answered = false

    /// Takes over a connected stream.
    public init(stream: Stream, upstream: Upstream, generation: UInt64 = 1, retireAt: UInt64 = .max) {
        self.stream = stream
        self.upstream = upstream
        self.generation = generation
        self.retireAt = retireAt
    }

    deinit { shelf?.living -= 1 }

    /// - Parameters:
    ///   - generation: of the TLS in force.
    ///   - grace: how many generations older its own may be.
    func canServe(generation: UInt64, grace: UInt64 = 0, now: UInt64) -> Bool {
        stream.isOpen && !stream.hasFailed && !stream.peerHungUp && stream.input.isEmpty
            && self.generation &+ grace >= generation && now < retireAt
    }

    func isOf(generation: UInt64) -> Bool { self.generation == generation }

    /// Gets ready for a request.
    func begin(isReused: Bool) {
        self.isReused = isReused
        stream.hangUpAction = nil
        sawFirstByte = false
        answered = false
        handedOut = 0
        head.reset()
    }

    /// True when the answer was read to its end and the server keeps the connection.
    var isReusable: Bool {
        guard answered, head.keepAlive, case .complete = body else { return false }
        return stream.input.count == handedOut && consumeHandedOut()
    }

    private func consumeHandedOut() -> Bool {
        stream.input.consume(handedOut)
        handedOut = 0
        return true
    }

    // MARK: Request

    /// - Parameter host: what stands as `Host` in the place of the server's name: for peers that go by the certificate alone.
    public func startRequest(_ method: StaticString, _ target: UnsafeRawBufferPointer, host: StaticString? = nil) {
        stream.output.append(method)
        stream.output.append(" ")
        stream.output.append(target)
        stream.output.append(" HTTP/1.1\r\nHost: ")
        if let host { stream.output.append(host) } else { stream.output.append(upstream.authority) }
        stream.output.append("\r\n")
    }

    public func startRequest(_ method: StaticString, _ target: String, host: StaticString? = nil) {
        var target = target
        target.withUTF8 { startRequest(method, UnsafeRawBufferPointer($0), host: host) }
    }

    public func field(_ name: StaticString, _ value: String) {
        stream.output.append(name)
        stream.output.append(": ")
        stream.output.append(value)
        stream.output.append("\r\n")
    }

    public func field(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        stream.output.append(name)
        stream.output.append(": ")
        stream.output.append(value)
        stream.output.append("\r\n")
    }

    public func field(_ name: StaticString, _ value: Int) {
        stream.output.append(name)
        stream.output.append(": ")
        stream.output.append(decimal: value)
        stream.output.append("\r\n")
    }

    public func endFields() { stream.output.append("\r\n") }

    // MARK: Answer

    public var headBytes: UnsafeRawBufferPointer { stream.input.readable }

    /// Reads the answer's head, passing over 1xx answers but, where asked for, 100.
    ///
    /// - Parameters:
    ///   - toHead: the request was HEAD: the answer has no body.
    ///   - stopAtContinue: return at `100 Continue` too.
    ///   - switching: return at `101` too: it was asked for.
    ///   - patience: nanoseconds that each interim answer puts the deadline off to.
    ///   - interim: called at each interim answer.
    ///   - deadline: monotonic nanoseconds for the whole head.
    /// - Returns: the status.
    public func readHead(
        toHead: Bool = false, stopAtContinue: Bool = false, switching: Bool = false, patience: UInt64? = nil,
        interim: () -> Void = {}, deadline: UInt64
    ) async throws(TransportError) -> Int {
        stream.readDeadline = deadline
        defer { stream.readDeadline = .max }
        while true {
            if !stream.input.isEmpty, try parse() {
                if let status = try settleHead(toHead, stopAtContinue, switching) { return status }
                interim()
                if let patience { stream.readDeadline = stream.now &+ patience }
                continue
            }
            if try await stream.fill() == 0 { throw endWithinHead }
            sawFirstByte = true
        }
    }

    /// Takes what has come of an answer, without waiting for more.
    ///
    /// - Returns: the status, once the head is there and, of a stream of events that goes well, the first byte of the body too.
    public func firstByteNow() throws(TransportError) -> Int? {
        while !answered {
            if !stream.input.isEmpty, try parse() {
                _ = try settleHead(false, false, false)
                continue
            }
            guard let received = try stream.fillNow() else { return nil }
            if received == 0 { throw endWithinHead }
            sawFirstByte = true
        }
        guard head.status == 200, isEventStream else { return head.status }
        while mustWait {
            guard let received = try stream.fillNow(8192) else { return nil }
            // What the end means is told by `nextBodyPart`.
            if received == 0 { break }
        }
        return head.status
    }

    /// The answer's content type begins with `text/event-stream`.
    public var isEventStream: Bool {
        guard let range = head.first(.contentType) else { return false }
        return equalsFolded(UnsafeRawBufferPointer(rebasing: headBytes[range].prefix(17)), "text/event-stream")
    }

    private var endWithinHead: TransportError {
        sawFirstByte
            ? TransportError(.connectionLost, "the server closed the connection within its answer's head") : .endOfStream
    }

    /// What a parsed head means: the status, or nil where it was an interim answer and another head follows.
    private func settleHead(
        _ toHead: Bool, _ stopAtContinue: Bool, _ switching: Bool
    ) throws(TransportError) -> Int? {
        let status = head.status
        if status >= 200 {
            answered = true
            startBody(toHead: toHead)
            return status
        }
        guard status != 101 || switching else {
            throw TransportError(.protocolViolation, "the server switched protocols unasked")
        }
        stream.input.consume(head.length)
        head.reset()
        // A sign of life is no part of the answer.
        sawFirstByte = !stream.input.isEmpty
        return status == 101 || (status == 100 && stopAtContinue) ? status : nil
    }

    private func parse() throws(TransportError) -> Bool {
        do throws(HTTPSyntaxError) {
            return try head.parse(stream.input.readable, limits: HTTPLimits())
        } catch {
            throw TransportError(.protocolViolation, "the server's answer is not HTTP: \(error.reason)")
        }
    }

    private func startBody(toHead: Bool) {
        handedOut = head.length
        if toHead || head.status == 204 || head.status == 304 {
            body = .complete
        } else if head.isChunked {
            decoder.reset()
            body = .chunked
        } else if let length = head.contentLength {
            body = length == 0 ? .complete : .length(length)
        } else {
            body = .untilClose
        }
    }

    /// The body's length where the server told it.
    public var announcedLength: Int? {
        switch body {
        case .length(let length): length
        case .complete: 0
        default: nil
        }
    }

    /// True when `nextBodyPart` would have to wait.
    public var mustWait: Bool {
        if case .complete = body { return false }
        return stream.input.count == handedOut
    }

    /// The next piece of the body as it comes; nil at its end. Valid until the next call. Ends the head's validity.
    ///
    /// - Parameter deadline: monotonic nanoseconds for this piece.
    public func nextBodyPart(deadline: UInt64) async throws(TransportError) -> UnsafeRawBufferPointer? {
        while true {
            _ = consumeHandedOut()
            if case .complete = body { return nil }
            if stream.input.isEmpty {
                stream.readDeadline = deadline
                defer { stream.readDeadline = .max }
                if try await stream.fill(8192) == 0 {
                    guard case .untilClose = body else {
                        throw TransportError(.connectionLost, "the server closed the connection within its answer")
                    }
                    body = .complete
                    return nil
                }
            }
            if let range = try take() { return UnsafeRawBufferPointer(rebasing: stream.input.readable[range]) }
        }
    }

    /// What of the input belongs to the body; nil if it was framing only.
    private func take() throws(TransportError) -> Range<Int>? {
        switch body {
        case .none, .complete: return nil
        case .length(let left):
            let taken = min(left, stream.input.count)
            handedOut = taken
            body = taken == left ? .complete : .length(left - taken)
            return 0..<taken
        case .untilClose:
            handedOut = stream.input.count
            return 0..<handedOut
        case .chunked:
            do throws(HTTPSyntaxError) {
                let step = try decoder.step(stream.input.readable)
                handedOut = step.consumed
                if step.finished { body = .complete }
                return step.data.isEmpty ? nil : step.data
            } catch {
                throw TransportError(.protocolViolation, "the server's answer is not HTTP: \(error.reason)")
            }
        }
    }
}

extension HTTPClientConnection {
    /// Passes on a field of another message as it is.
    public func field(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        stream.output.append(name)
        stream.output.append(": ")
        stream.output.append(value)
        stream.output.append("\r\n")
    }
}
