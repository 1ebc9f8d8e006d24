import Glibc

/// How far a request's body has been read.
struct BodyProgress {
    enum Framing { case unknown, length(Int), chunked }
    var framing = Framing.unknown
    /// End of the decoded bytes that are held; they begin where the head ends.
    var heldEnd = 0
    /// Where bytes not yet decoded begin.
    var rawStart = 0
    var isComplete = false
    var decoder = ChunkDecoder()
    var sentContinue = false
    /// It does not end as it should: what follows is no request.
    var isBroken = false
}

extension HTTPExchange {
    /// True when the request has a body of which nothing was read yet.
    public var hasUnreadBody: Bool {
        prepareBody()
        return !body.isComplete
    }

    /// The announced length; nil for a chunked body.
    public var announcedLength: Int? { head.isChunked ? nil : head.contentLength ?? 0 }

    private func prepareBody() {
        guard case .unknown = body.framing else { return }
        body.heldEnd = head.length
        body.rawStart = head.length
        if head.isChunked {
            body.framing = .chunked
        } else {
            body.framing = .length(head.contentLength ?? 0)
            body.isComplete = (head.contentLength ?? 0) == 0
        }
    }

    /// Reads the whole body and holds it: the range it has in `headBytes`.
    ///
    /// - Parameter limit: bytes; a longer body is 413.
    /// - Throws: a status and its reason: 413, 503 when too many bodies are held, 400 for a bad chunk, 408 when it does not come,
    ///   499 when the client has gone and no answer is possible.
    public func readBody(limit: Int) async throws(HTTPSyntaxError) -> Range<Int> {
        prepareBody()
        if case .length(let length) = body.framing {
            guard length <= limit else { throw tooLarge(limit) }
            try takeBudget(length)
            while stream.input.count < head.length + length {
                try await receive(min(head.length + length - stream.input.count, 1 << 20))
            }
            body.heldEnd = head.length + length
            body.rawStart = body.heldEnd
            body.isComplete = true
            return head.length..<body.heldEnd
        }
        while !body.isComplete {
            try decodeHeld(limit: limit)
            if !body.isComplete { try await receive(4096) }
        }
        return head.length..<body.heldEnd
    }

    private func decode(_ bytes: UnsafeRawBufferPointer) throws(HTTPSyntaxError) -> ChunkDecoder.Step {
        do throws(HTTPSyntaxError) {
            return try body.decoder.step(bytes)
        } catch {
            body.isBroken = true
            throw error
        }
    }

    /// Decodes the chunks that have come, moving their data together behind the head.
    private func decodeHeld(limit: Int) throws(HTTPSyntaxError) {
        while !body.isComplete, body.rawStart < stream.input.count {
            let raw = stream.input.readable
            let step = try decode(UnsafeRawBufferPointer(rebasing: raw[body.rawStart...]))
            if !step.data.isEmpty {
                guard body.heldEnd - head.length + step.data.count <= limit else { throw tooLarge(limit) }
                try takeBudget(body.heldEnd - head.length + step.data.count)
                let bytes = stream.input.mutableReadable
                if let base = bytes.baseAddress {
                    memmove(base + body.heldEnd, base + body.rawStart + step.data.lowerBound, step.data.count)
                }
                body.heldEnd += step.data.count
            }
            body.rawStart += step.consumed
            body.isComplete = step.finished
        }
    }

    /// The next piece of the body, for handlers that stream it; nil at its end. Valid until the next call.
    ///
    /// - Parameters:
    ///   - limit: bytes of the whole body.
    ///   - timeout: nanoseconds to wait for the piece; nil: as long as the listener allows for any body.
    public func nextBodyPart(limit: Int, timeout: UInt64? = nil) async throws(HTTPSyntaxError) -> UnsafeRawBufferPointer? {
        if detachedHead == nil {
            prepareBody()
            detachedHead = Array(stream.input.readable[..<head.length])
            stream.input.consume(head.length)
            body.heldEnd = 0
            body.rawStart = 0
        }
        stream.input.consume(body.rawStart)
        body.rawStart = 0
        while !body.isComplete {
            if stream.input.isEmpty { try await receive(16_384, timeout: timeout) }
            switch body.framing {
            case .length(let left):
                let taken = min(left, stream.input.count)
                body.heldEnd += taken
                body.rawStart = taken
                body.framing = .length(left - taken)
                body.isComplete = left == taken
                guard body.heldEnd <= limit else { throw tooLarge(limit) }
                return UnsafeRawBufferPointer(rebasing: stream.input.readable[..<taken])
            default:
                let step = try decode(stream.input.readable)
                body.isComplete = step.finished
                if step.data.isEmpty {
                    stream.input.consume(step.consumed)
                    continue
                }
                body.rawStart = step.consumed
                body.heldEnd += step.data.count
                guard body.heldEnd <= limit else { throw tooLarge(limit) }
                return UnsafeRawBufferPointer(rebasing: stream.input.readable[step.data])
            }
        }
        return nil
    }

    /// Receives more from the client, having told it to go on where it waits for that.
    private func receive(_ wanted: Int, timeout: UInt64? = nil) async throws(HTTPSyntaxError) {
        do throws(TransportError) {
            if head.expectsContinue, !body.sentContinue, answer == .none {
                body.sentContinue = true
                stream.output.append("HTTP/1.1 100 Continue\r\n\r\n")
                try await stream.flush()
            }
            stream.readDeadline = worker.loop.now &+ (timeout ?? service.timeouts.body)
            defer { stream.readDeadline = .max }
            if try await stream.fill(wanted) == 0 { throw TransportError.endOfStream }
        } catch {
            if error.code == .timedOut {
                throw HTTPSyntaxError(status: 408, reason: "the request body did not arrive in time")
            }
            throw HTTPSyntaxError(status: 499, reason: "the client went away while sending its body")
        }
    }

    private func tooLarge(_ limit: Int) -> HTTPSyntaxError {
        HTTPSyntaxError(status: 413, reason: "the request body is larger than the \(limit) bytes allowed here")
    }

    /// Bodies that fit beside the head in a connection's buffer are not counted.
    private func takeBudget(_ length: Int) throws(HTTPSyntaxError) {
        let wanted = length > 65_536 ? (length + 65_535) / 65_536 * 65_536 : 0
        guard wanted > budgetTaken else { return }
        guard service.bodyBudget.take(wanted - budgetTaken) else {
            throw HTTPSyntaxError(
                status: 503, reason: "this node holds too many large request bodies just now; try again soon")
        }
        budgetTaken = wanted
    }

    func giveBudget() {
        guard budgetTaken > 0 else { return }
        service.bodyBudget.give(budgetTaken)
        budgetTaken = 0
    }

    /// A body that nobody read is read after the answer up to this, to keep the connection.
    private static let drainedBytes = 65_536

    /// False when what follows the request's head can not, or need not, be read to its end: the connection must close.
    var canDrain: Bool {
        prepareBody()
        if body.isComplete { return true }
        guard !body.isBroken, detachedHead == nil, case .length(let length) = body.framing else { return false }
        return length <= Self.drainedBytes && (!head.expectsContinue || body.sentContinue)
    }

    enum Finish { case next, close, closeLingering }

    /// Ends the exchange: sees that an answer was sent and that the next request starts where this one ended.
    func finish() async -> Finish {
        giveBudget()
        stopProcessing()
        guard stream.isOpen else { return .close }
        if answer == .none {
            closesAfter = true
            await respond(status: 500, contentType: "text/plain", body: "no answer was made\n")
        }
        guard answer == .done else { return .close }
        prepareBody()
        if !body.isComplete {
            guard !closesAfter, canDrain, (try? await readBody(limit: Self.drainedBytes)) != nil else {
                return .closeLingering
            }
        }
        if closesAfter { return stream.input.count > body.rawStart ? .closeLingering : .close }
        stream.input.consume(body.rawStart)
        return .next
    }
}
