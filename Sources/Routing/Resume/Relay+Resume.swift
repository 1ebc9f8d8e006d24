import Transport

/// Streams that another site may go on with: nothing is told to the client when they break.
extension Relay {
    /// Relays the events of the site that answers first.
    func relayEvents(of answer: AnswerSoFar, _ decorate: (HTTPExchange) -> Void) async -> Attempt {
        exchange.scratch.removeAll()
        let watch = StreamWatch(server?.rules ?? .openAI)
        if let watch, let early = await holdFirstEvent(watch, decorate) { return early }
        return await pump(answer, watch)
    }

    /// Relays the events of a site that goes on with an answer.
    func relayRest(of answer: AnswerSoFar, isStream: Bool) async -> Attempt {
        exchange.scratch.removeAll()
        guard isStream else {
            return .failed(
                RoutingFailure(.unreachable, status: 502, "site \(site) does not go on with the answer: \(source.status)"))
        }
        return await pump(answer, nil)
    }

    /// The head goes out with the first event: what fails before is made good elsewhere as if there had been nothing.
    private func pump(_ answer: AnswerSoFar, _ watch: StreamWatch?) async -> Attempt {
        var watch = watch
        var boundaries = EventBoundaryScanner()
        var isHeld = !exchange.scratch.isEmpty
        var isFirst = !isHeld
        while true {
            if !isHeld {
                let part: UnsafeRawBufferPointer?
                do throws(TransportError) {
                    part = isFirst ? try await firstPart() : try await source.nextBodyPart(deadline: nextDeadline)
                } catch {
                    if exchange.clientIsGone { return .clientGone }
                    if isFirst, error.code == .timedOut, loop.now < deadline, let wait {
                        let failure = router.givenUp(wait, site: site, now: loop.now)
                        return broke(answer, failure.message, code: code(of: error), failure)
                    }
                    if answer.isFinished { return await finish(answer) }
                    if let failure = ended(error) {
                        return broke(answer, failure.message, code: failure.kind.rawValue, failure)
                    }
                    return broke(answer, error.message, code: code(of: error))
                }
                guard let part else {
                    if answer.isFinished { return await finish(answer) }
                    return broke(answer, "the stream ended without its last event", code: "upstream_incomplete")
                }
                exchange.scratch.append(part)
            }
            isFirst = false
            isHeld = false
            let whole = boundaries.wholeEvents(exchange.scratch.readable)
            var fault: ToldFault?
            if whole > 0 {
                var events = UnsafeRawBufferPointer(rebasing: exchange.scratch.readable[..<whole])
                if let good = watch?.look(events) { events = UnsafeRawBufferPointer(rebasing: events[..<good]) }
                fault = answer.take(events) ?? watch?.fault.map { ToldFault(code: $0.code, message: $0.message) }
                exchange.scratch.consume(whole)
                boundaries.consumed(whole)
                do throws(TransportError) { try await send(answer) } catch { return .clientGone }
            }
            if let fault { return broke(answer, fault.message, code: fault.code) }
            if exchange.scratch.count > RelayLimits.heldEventBytes {
                return broke(
                    answer, "an event is larger than \(RelayLimits.heldEventBytes) bytes", code: "upstream_event_too_large")
            }
        }
    }

    private func finish(_ answer: AnswerSoFar) async -> Attempt {
        if lengths != 0 { router.lengths.add(answer.tokens, to: lengths) }
        return await finish()
    }

    private func send(_ answer: AnswerSoFar) async throws(TransportError) {
        guard !answer.output.isEmpty else { return }
        if !answer.hasBegun {
            answer.hasBegun = true
            try await beginEvents()
        }
        try await exchange.write(array: answer.output)
        answer.sent()
    }

    private func broke(
        _ answer: AnswerSoFar, _ message: String, code: String, _ failure: RoutingFailure? = nil
    ) -> Attempt {
        exchange.scratch.removeAll()
        if answer.hasOfThisSite { return .broken(StreamBreak(code: code, message: message, site: site)) }
        if !answer.hasBegun { retract() }
        return .failed(
            failure ?? RoutingFailure(.unreachable, status: 502, "site \(site) broke off its answer: \(message)"))
    }
}
