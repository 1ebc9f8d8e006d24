import CLinux
import Glibc
import Gossip
import Transport

/// Carries one upstream's answer to the client.
struct Relay<Source: AnswerSource> {
    let exchange: HTTPExchange
    let source: Source
    /// Site that runs the request, for the error event.
    let site: String
    /// Nanoseconds between two pieces of the answer.
    let stall: UInt64
    /// Monotonic nanoseconds.
    let deadline: UInt64
    /// Knows why an attempt was ended where a block did it.
    let router: Router
    /// Set where it is one of this node's own.
    var server: InferenceServer?
    /// Set where another site may go on with a stream that breaks.
    var answer: AnswerSoFar?
    /// For the first byte of a stream; nil: no other than for the next.
    var wait: FirstByteWait?
    /// A refusal for the prompt's length is not passed on yet: another place holds more.
    var mayGoLonger = false
    /// Where it is kept how long the user's answers are; 0: nowhere.
    var lengths: UInt64 = 0
    /// What a client whose answer's head went out before a place was found is told of the place.
    var place: String?

    var loop: Loop { exchange.worker.loop }
    var nextDeadline: UInt64 { min(loop.now &+ stall, deadline) }

    /// Relays an answer whose head has been read.
    ///
    /// - Parameter decorate: writes our own fields into the head.
    func run(decorate: (HTTPExchange) -> Void) async -> Attempt {
        let isStream = source.status == 200 && source.isEventStream
        if let answer, answer.hasBegun { return await relayRest(of: answer, isStream: isStream) }
        if exchange.headIsOut {
            guard isStream else { return await tellRefusal() }
        } else {
            exchange.startAnswer(source.status)
            source.copyFields(to: exchange)
            decorate(exchange)
            guard isStream else { return await relayBody() }
            exchange.field("Cache-Control", "no-cache")
            exchange.field("X-Accel-Buffering", "no")
        }
        if let answer { return await relayEvents(of: answer, decorate) }
        return await relayEvents(decorate)
    }

    // MARK: One piece

    /// Gathers a small answer and sends it with its head in one go; a large one is passed on as it comes.
    private func relayBody() async -> Attempt {
        let announced = source.announcedLength
        exchange.scratch.removeAll()
        var isWhole = false
        do throws(TransportError) {
            while exchange.scratch.count <= RelayLimits.heldAnswerBytes {
                guard let part = try await source.nextBodyPart(deadline: nextDeadline) else {
                    isWhole = true
                    break
                }
                exchange.scratch.append(part)
            }
        } catch {
            exchange.retractAnswer()
            return failed(error)
        }
        if isWhole {
            if mayGoLonger, ContextRefusal.isOne(status: source.status, exchange.scratch.readable) {
                let failure = ContextRefusal.failure(status: source.status, exchange.scratch.readable, site: site)
                exchange.scratch.removeAll()
                exchange.retractAnswer()
                return .failed(failure)
            }
            if lengths != 0, source.status == 200, let tokens = AnswerLength.told(in: exchange.scratch.readable) {
                router.lengths.add(tokens, to: lengths)
            }
            exchange.endFields(.length(exchange.scratch.count))
        } else {
            exchange.endFields(announced.map { .length($0) } ?? .streamed)
        }
        do throws(TransportError) {
            try await exchange.write(exchange.scratch.readable)
            exchange.scratch.removeAll()
        } catch { return .clientGone }
        return isWhole ? await finish() : await relayRest()
    }

    private func relayRest() async -> Attempt {
        while true {
            let part: UnsafeRawBufferPointer?
            do throws(TransportError) {
                part = try await source.nextBodyPart(deadline: nextDeadline)
            } catch {
                // Not ended: the connection is closed, which shows the cut.
                return exchange.clientIsGone ? .clientGone : .interrupted(error.message)
            }
            guard let part else { return await finish() }
            do throws(TransportError) { try await exchange.write(part) } catch { return .clientGone }
        }
    }

    /// A stream has come whole.
    func wrote(_ tokens: Int) {
        source.ended(tokens: tokens)
        if lengths != 0, tokens > 0 { router.lengths.add(tokens, to: lengths) }
    }

    func finish() async -> Attempt {
        do throws(TransportError) { try await exchange.finishAnswer() } catch { return .clientGone }
        return .answered
    }

    func ended(_ error: TransportError) -> RoutingFailure? { router.ended(error, exchange, site: site) }

    func failed(_ error: TransportError) -> Attempt {
        if exchange.clientIsGone { return .clientGone }
        if let failure = ended(error) { return .failed(failure) }
        return .failed(RoutingFailure(.unreachable, status: 502, "site \(site) broke off its answer: \(error.message)"))
    }

    // MARK: Events

    /// Passes on whole events, each as soon as it is whole; says in an event of its own when the stream breaks.
    private func relayEvents(_ decorate: (HTTPExchange) -> Void) async -> Attempt {
        exchange.scratch.removeAll()
        var watch = StreamWatch(server?.rules ?? .openAI)
        if let first = watch {
            if let early = await holdFirstEvent(first, decorate) { return early }
        } else if let early = await holdFirstPart() {
            return early
        }
        do throws(TransportError) { try await beginEvents() } catch { return .clientGone }
        var isHeld = !exchange.scratch.isEmpty
        var boundaries = EventBoundaryScanner()
        var observer = StreamObserver()
        var sentAny = false
        var saidError = false
        while true {
            let part: UnsafeRawBufferPointer?
            do throws(TransportError) {
                part =
                    isHeld
                    ? UnsafeRawBufferPointer(start: nil, count: 0) : try await source.nextBodyPart(deadline: nextDeadline)
            } catch {
                if exchange.clientIsGone { return .clientGone }
                if let failure = ended(error) {
                    return await interrupt(failure.message, code: failure.kind.rawValue, observer)
                }
                return await interrupt(error.message, code: code(of: error), observer)
            }
            guard let part else {
                if observer.finished || saidError {
                    if !saidError { wrote(observer.tokens) }
                    return await finish()
                }
                let code = watch == nil ? "upstream_incomplete" : "upstream_truncated"
                return await interrupt("the stream ended without its last event", code: code, observer)
            }
            do throws(TransportError) {
                if !isHeld, exchange.scratch.isEmpty, boundaries.wholeEvents(part) == part.count {
                    boundaries.consumed(part.count)
                    let good = UnsafeRawBufferPointer(rebasing: part[..<(watch?.look(part) ?? part.count)])
                    observer.observe(good)
                    if isErrorEvent(good) { saidError = true }
                    try await exchange.write(good)
                    if let fault = watch?.fault { return await interrupt(fault.message, code: fault.code, observer) }
                    sentAny = true
                    continue
                }
            } catch { return .clientGone }
            // `wholeEvents` remembers how far it looked at the tail: the tail alone is kept.
            if isHeld || exchange.scratch.isEmpty { boundaries = EventBoundaryScanner() }
            isHeld = false
            exchange.scratch.append(part)
            let whole = boundaries.wholeEvents(exchange.scratch.readable)
            if whole > 0 {
                var events = UnsafeRawBufferPointer(rebasing: exchange.scratch.readable[..<whole])
                if let good = watch?.look(events) { events = UnsafeRawBufferPointer(rebasing: events[..<good]) }
                observer.observe(events)
                if isErrorEvent(events) { saidError = true }
                do throws(TransportError) { try await exchange.write(events) } catch { return .clientGone }
                if let fault = watch?.fault { return await interrupt(fault.message, code: fault.code, observer) }
                exchange.scratch.consume(whole)
                boundaries.consumed(whole)
                sentAny = true
            } else if !sentAny {
                // The head at least, so that the client sees that an answer has begun.
                do throws(TransportError) { try await exchange.flush() } catch { return .clientGone }
            }
            if exchange.scratch.count > RelayLimits.heldEventBytes {
                return await interrupt(
                    "an event is larger than \(RelayLimits.heldEventBytes) bytes", code: "upstream_event_too_large", observer
                )
            }
        }
    }

    /// What a broken stream's event says of why.
    func code(of error: TransportError) -> String {
        switch error.code {
        case .timedOut: loop.now >= deadline ? "deadline_exceeded" : "upstream_stalled"
        case .expired: "certificate_ended"
        default: "upstream_lost"
        }
    }

    /// Whoever saw the break first, the server or another node, has said so in the stream.
    private func isErrorEvent(_ events: UnsafeRawBufferPointer) -> Bool {
        let mark: StaticString = "data: {\"error\":"
        return memmem(events.baseAddress, events.count, mark.utf8Start, mark.utf8CodeUnitCount) != nil
    }

    /// Ends a broken stream.
    private func interrupt(_ reason: String, code: String, _ observer: StreamObserver) async -> Attempt {
        exchange.scratch.removeAll()
        do throws(TransportError) {
            try await exchange.sayInterrupted(StreamBreak(code: code, message: reason, site: site), tokens: observer.tokens)
        } catch { return .clientGone }
        return .interrupted(reason)
    }
}

extension HTTPExchange {
    /// Ends a broken stream as the contract has it: a typed error event and no `[DONE]`.
    ///
    /// - Parameter tokens: that the client has.
    func sayInterrupted(_ broken: StreamBreak, tokens: Int) async throws(TransportError) {
        let message = jsonEscaped("The answer broke off at site \(broken.site): \(broken.message).")
        let event =
            #"data: {"error":{"message":"\#(message)","type":"mesh_stream_interrupted","param":null,"code":"\#(jsonEscaped(broken.code))","#
            + #""site":"\#(jsonEscaped(broken.site))","tokensDelivered":\#(tokens)}}"# + "\n\n"
        try await write(array: Array(event.utf8))
        try await finishAnswer()
    }
}

enum RelayLimits {
    /// A tail of an event larger than this is no event.
    static let heldEventBytes = 1 << 20
    /// Answers up to this are sent whole, so that one cut short can still be made good elsewhere.
    static let heldAnswerBytes = 65_536
}

/// Text as it stands between a JSON string's quotes (RFC 8259 §7).
public func jsonEscaped(_ text: String) -> String {
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": escaped += "\\\""
        case "\\": escaped += "\\\\"
        case "\n": escaped += "\\n"
        case "\r": escaped += "\\r"
        case "\t": escaped += "\\t"
        case let control where control.value < 0x20:
            let digits = String(control.value, radix: 16)
            escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}
