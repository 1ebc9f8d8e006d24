import Gossip
import Transport

/// Hedged requests: one more attempt where the first byte is longer in coming than nearly all were, and the first to answer has it.
extension Router {
    /// What a try may become; nil: hedging is off, or this is nothing for it.
    ///
    /// Only what is short, goes by HTTP to a place that runs the model, and does not stand in line there: the line is not shorter
    /// elsewhere, or it would not stand in it.
    func hedge(
        _ request: borrowing ForwardRequest, _ step: Journey.Step, _ routes: ModelRoutes, _ journey: Journey
    ) -> Hedge? {
        guard let rule = policies.hedge, !step.queues, routes.candidates.count > 1,
            (1...rule.promptTokens).contains(request.needs.promptTokens), request.body.count < RequestWriter.expectAbove / 2,
            request.splices.isEmpty, routes.candidates[step.index].variant.state == .running
        else { return nil }
        let time: FirstByteTime
        switch routes.targets[step.index] {
        case .peer: time = routes.candidates[step.index].load.firstByte
        case .local(let model):
            guard case .server = model.backend else { return nil }
            time = model.gate.load.firstByte
        }
        let usual = time.quantile(HedgeRule.quantile, isStream: request.isStream, promptTokens: rule.promptTokens)
        guard let usual else { return nil }
        let after = max(UInt64(min(usual, 3600) * 1e9), HedgeRule.soonest)
        return Hedge(rule: rule, routes: routes, step: step, after: after, journey: journey)
    }

    /// Which attempt has the answer.
    enum Race {
        /// The first, with this status.
        case first(Int)
        /// The second; what of it has come is to be read.
        case second(Hedge.Flight)
    }

    /// Sends a request, and waits until it or, where that is late, a second attempt has its first byte.
    ///
    /// One task waits on both connections. The one that loses is closed, which frees its slot: whoever serves it sees its client leave.
    func race(
        _ request: ForwardRequest, _ connection: HTTPClientConnection, _ exchange: HTTPExchange,
        _ destination: RequestWriter.Destination, _ wait: FirstByteWait, _ hedge: Hedge
    ) async throws(TransportError) -> Race {
        let loop = exchange.worker.loop
        _ = try await RequestWriter.send(request, of: exchange, to: connection, destination)
        let due = wait.began &+ hedge.after
        var limit = wait.deadline
        var second: Hedge.Flight?
        while true {
            do throws(TransportError) {
                if let status = try connection.firstByteNow() {
                    if let second {
                        if let end = refusal(status, connection, hedge.routes.candidates[hedge.step.index]) {
                            lose(connection, wait, end, to: second, exchange, hedge)
                            return .second(second)
                        }
                        drop(second, .outrun, exchange, hedge)
                    }
                    return .first(status)
                }
                if loop.now >= limit, second != nil || limit == wait.last || givesUp(.timedOut, wait, now: loop.now) {
                    throw TransportError.timedOut
                }
            } catch {
                guard let second, !exchange.clientIsGone else {
                    if let second { drop(second, .clientGone, exchange, hedge) }
                    throw error
                }
                if error.code == .timedOut { counters.firstBytesLate.increment() }
                lose(connection, wait, .failed(error.message), to: second, exchange, hedge)
                return .second(second)
            }
            if loop.now >= limit { limit = wait.last }
            if let flight = second {
                do throws(TransportError) {
                    if let status = try flight.connection.firstByteNow() {
                        guard let end = refusal(status, flight.connection, flight.candidate) else {
                            lose(connection, wait, .outrun, to: flight, exchange, hedge)
                            return .second(flight)
                        }
                        drop(flight, end, exchange, hedge)
                        second = nil
                    }
                } catch {
                    drop(flight, .failed(error.message), exchange, hedge)
                    second = nil
                }
            } else if !hedge.isSpent, loop.now >= due {
                second = await launch(request, beside: connection, exchange, hedge)
                continue
            }
            let until = second == nil && !hedge.isSpent ? min(due, limit) : limit
            await connection.stream.waitForNews(or: second?.connection.stream, until: until)
        }
    }

    /// Sends the request to the next-best place too; nil: there is none, or nothing is left for it.
    private func launch(
        _ request: ForwardRequest, beside first: HTTPClientConnection, _ exchange: HTTPExchange, _ hedge: Hedge
    ) async -> Hedge.Flight? {
        let worker = exchange.worker
        let now = worker.loop.now
        let random = random(worker)
        guard let (index, candidate, upstream) = hedge.pick(choice, request.needs, now: now, random: &random.generator)
        else { return nil }
        guard hedges.take(hedge.rule, requests: retries.requestCount, now: now) else {
            hedge.isOff()
            return nil
        }
        hedge.isMade()
        candidate.load.began(now: now)
        exchange.stream.attempts.1 = first.stream
        var opened: HTTPClientConnection?
        do throws(TransportError) {
            // A connection is mostly ready. To make one holds up the first attempt, whose answer may come any moment.
            let connection = try await worker.pool.acquire(
                upstream, for: exchange.stream, deadline: min(now &+ Self.dialling, request.deadline))
            opened = connection
            try checkPeer(connection.stream, is: candidate.node)
            var destination = RequestWriter.Destination.peer(model: hedge.routes.id, queues: false, identity: nil)
            destination.say(assertion(of: request, for: candidate, over: connection.stream))
            var wait = firstByteWait(request, candidate.load.firstByte, queues: false, now: worker.loop.now)
            wait.waitsToTheLast()
            _ = try await RequestWriter.send(request, of: exchange, to: connection, destination)
            return Hedge.Flight(connection: connection, candidate: candidate, index: index, wait: wait)
        } catch {
            opened?.stream.close()
            settle(candidate, exchange.clientIsGone ? .clientGone : .failed(error.message), hedge, now: now)
            exchange.stream.attempts = (first.stream, nil)
            return nil
        }
    }

    /// Nanoseconds that a connection for a second attempt may take.
    private static let dialling: UInt64 = 250_000_000

    /// Goes on with the second attempt alone.
    func goOn(
        with flight: Hedge.Flight, _ request: ForwardRequest, _ exchange: HTTPExchange, fields: (HTTPExchange) -> Void
    ) async -> Attempt {
        exchange.underWay?.goes(to: flight.candidate.node)
        // A block that was set while it was the second of two has not found it there.
        if let current = blocks.current { exchange.underWay?.meet(current, me: me, nowSeconds: Self.nowSeconds) }
        var reported = false
        defer { flight.candidate.load.ended(reported: reported) }
        let site = flight.candidate.node.siteName
        do throws(TransportError) {
            let status = try await readHead(flight.connection, stopAtContinue: false, flight.wait)
            let attempt = await take(
                status, flight.connection, request, exchange, site: site, own: nil, load: flight.candidate.load,
                reported: &reported, clock: nil, wait: flight.wait, fields: fields)
            if case .answered = attempt { hedges.won.increment() }
            return attempt
        } catch {
            exchange.stream.attempts = (nil, nil)
            flight.connection.stream.close()
            if error.code == .timedOut, !exchange.clientIsGone, exchange.worker.loop.now < request.deadline {
                return .failed(givenUp(flight.wait, site: site, now: exchange.worker.loop.now))
            }
            return failed(error, site, exchange)
        }
    }

    /// The first attempt is over.
    private func lose(
        _ connection: HTTPClientConnection, _ wait: FirstByteWait, _ end: ReceiptTrail.End, to flight: Hedge.Flight,
        _ exchange: HTTPExchange, _ hedge: Hedge
    ) {
        let now = exchange.worker.loop.now
        let first = hedge.routes.candidates[hedge.step.index]
        // It would have taken so long at least.
        wait.givenUp(now: now)
        if case .failed = end {
            counters.failovers.increment()
            if exchange.underWay?.block == nil { first.load.failed(now: now, began: wait.began) }
        }
        hedge.takesOver(flight.index, end, now: now)
        connection.stream.close()
        exchange.stream.attempts = (flight.connection.stream, nil)
    }

    /// The second attempt is over, and the first goes on.
    private func drop(
        _ flight: Hedge.Flight, _ end: ReceiptTrail.End, _ exchange: HTTPExchange, _ hedge: Hedge
    ) {
        // The first one's.
        exchange.stream.attempts = (exchange.stream.attempts.1, nil)
        flight.connection.stream.close()
        settle(flight.candidate, end, hedge, now: exchange.worker.loop.now, began: flight.wait.began)
    }

    private func settle(
        _ candidate: Candidate, _ end: ReceiptTrail.End, _ hedge: Hedge, now: UInt64, began: UInt64? = nil
    ) {
        candidate.load.ended(reported: false)
        switch end {
        case .failed: candidate.load.failed(now: now, began: began)
        case .refused: candidate.load.refused(now: now)
        default: break
        }
        hedge.lost(end, now: now)
    }

    /// Why an answer is none; nil: it is one. The client's own errors are answers, whoever gives them.
    private func refusal(
        _ status: Int, _ connection: HTTPClientConnection, _ candidate: Candidate
    ) -> ReceiptTrail.End? {
        if connection.head.first(named: "meshnode-refused", in: connection.headBytes) != nil {
            _ = note(connection, candidate.load, now: connection.stream.now)
            return status == 503 ? .refused : .failed("refused with \(status)")
        }
        return status >= 500 || status == 429 ? .failed("answered \(status)") : nil
    }
}
