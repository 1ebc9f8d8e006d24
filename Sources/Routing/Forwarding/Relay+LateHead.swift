import Transport

/// Streams whose head went out before there was a place for them, while a model was being started.
extension Relay {
    /// The answer's events come now: ends the head, or, where the client has one already, tells in a comment what would stand in it.
    func beginEvents() async throws(TransportError) {
        guard exchange.headIsOut else {
            exchange.endFields(.streamed)
            exchange.answersWithEvents = true
            return
        }
        if let place { try await exchange.write(place) }
    }

    /// Takes back the answer's head where the client does not have it.
    func retract() {
        if !exchange.headIsOut { exchange.retractAnswer() }
    }

    /// A client that has the head of a stream cannot be given another answer: a refusal is told in an event, unless
    /// another site holds a longer prompt. Anything else that is no
    /// stream may be one at another site.
    func tellRefusal() async -> Attempt {
        var body: [UInt8] = []
        do throws(TransportError) {
            while body.count <= RelayLimits.heldAnswerBytes, let part = try await source.nextBodyPart(deadline: nextDeadline)
            {
                body.append(contentsOf: part)
            }
        } catch { return failed(error) }
        let goesLonger = body.withUnsafeBytes { mayGoLonger && ContextRefusal.isOne(status: source.status, $0) }
        if goesLonger {
            return .failed(body.withUnsafeBytes { ContextRefusal.failure(status: source.status, $0, site: site) })
        }
        guard (400..<500).contains(source.status) else {
            return .failed(
                RoutingFailure(.unreachable, status: 502, "site \(site) answered \(source.status) without a stream"))
        }
        do throws(TransportError) {
            try await exchange.say(LateFailure(status: source.status, body: body, site: site))
        } catch { return .clientGone }
        return .answered
    }
}
