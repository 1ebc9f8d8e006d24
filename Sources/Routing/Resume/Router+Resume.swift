import Gossip
import Transport

/// Goes on with a broken stream at another site.
///
/// Only the node that the client talks to does so: it has what was delivered. A serving node passes a break on as an event, which is
/// taken here for what it is.
extension Router {
    /// To be kept of the answer to a request that asks for it; nil where its answer could not go on elsewhere.
    func answerSoFar(of request: borrowing ForwardRequest, _ exchange: HTTPExchange) -> AnswerSoFar? {
        guard request.resumes, request.isStream, request.path.description == "/v1/chat/completions" else { return nil }
        return AnswerSoFar(of: UnsafeRawBufferPointer(rebasing: exchange.headBytes[request.body]))
    }

    /// Has an answer that broke at one candidate gone on with at others; the client is told where, or that it ends.
    func carryOn(
        _ request: inout ForwardRequest, _ routes: ModelRoutes, _ exchange: HTTPExchange, _ underWay: RequestUnderWay,
        from origin: Candidate, _ broken: StreamBreak, _ progress: inout Progress
    ) async -> RoutingFailure? {
        guard let answer = request.answer else { preconditionFailure("only an answer that is kept breaks silently") }
        var broken = broken
        var gone = [origin.node]
        if answer.lacksDoneOnly { return await end(answer, exchange, broken, &progress) }
        while answer.canGoOn, let next = await goOn(&request, answer, routes, exchange, underWay, origin, &gone, &progress) {
            switch next {
            case .ended(let failure): return failure
            case .broke(let again):
                broken = again
                if answer.lacksDoneOnly { return await end(answer, exchange, broken, &progress) }
            }
        }
        return await tell(broken, answer, exchange, &progress)
    }

    private enum Next {
        /// nil: the client was answered.
        case ended(RoutingFailure?)
        /// It went on, and broke there too.
        case broke(StreamBreak)
    }

    /// Goes on at the best of the places that can; nil where there is none, or none does.
    private func goOn(
        _ request: inout ForwardRequest, _ answer: AnswerSoFar, _ routes: ModelRoutes, _ exchange: HTTPExchange,
        _ underWay: RequestUnderWay, _ origin: Candidate, _ gone: inout [NodeID], _ progress: inout Progress
    ) async -> Next? {
        let loop = exchange.worker.loop
        let random = random(exchange.worker)
        // What was known when the request came may be long ago.
        let places = (view.routes[routes.id] ?? routes).thatGoOn(with: origin.variant, besides: gone)
        var journey = Journey()
        // Work done once is done again: that is for a mesh that has the room.
        guard !places.candidates.isEmpty, retries.take(now: loop.now) else { return nil }
        progress.receipt.goesOn(among: places.candidates)
        while loop.now < request.deadline, meetBlocks(&request, underWay) == nil {
            if exchange.clientIsGone { return .ended(Self.left) }
            var needs = request.needs
            needs.answerTokens = max(needs.answerTokens - answer.tokens, 1)
            guard
                let step = progress.receipt.next(
                    &journey, choice, for: needs, now: loop.now, random: &random.generator)
            else { return nil }
            let candidate = places.candidates[step.index]
            guard let style = candidate.variant.prefixStyle else { preconditionFailure("a place that cannot go on") }
            request.splices = answer.splices(style)
            answer.goesOn(at: candidate.node.siteName)
            request.hasElsewhere = hasElsewhere(request, than: step.index, places.candidates, journey, now: loop.now)
            progress.receipt.tries += 1
            progress.receipt.site = candidate.node.siteName
            progress.receipt.reason = .continued
            let began = loop.now
            let attempt: Attempt
            switch places.targets[step.index] {
            case .local(let model):
                underWay.goes(to: nil)
                attempt = await runHere(request, model, exchange, queues: step.queues) { _ in }
            case .peer(let upstream):
                attempt = await send(
                    request, model: routes.id, to: upstream, candidate, exchange, queues: step.queues
                ) { _ in }
            }
            progress.receipt.ended(attempt, now: loop.now)
            if answer.hasOfThisSite { counters.continued.increment() }
            switch attempt {
            case .answered:
                progress.receipt.outcome = "answered"
                affinities.served(request.needs.affinity, by: candidate.tag)
                counters.answered.increment()
                if candidate.isLocal { counters.ranHere.increment() } else { counters.ranElsewhere.increment() }
                return .ended(nil)
            case .broken(let broken):
                gone.append(candidate.node)
                if underWay.block == nil { candidate.load.failed(now: loop.now, began: began) }
                return .broke(broken)
            case .interrupted(let why):
                // The client was told.
                progress.receipt.outcome = "interrupted: \(why)"
                counters.interrupted.increment()
                return .ended(nil)
            case .clientGone: return .ended(Self.left)
            case .refused:
                if step.queues {
                    journey.failed(step.index)
                } else {
                    journey.refused(step.index)
                    candidate.load.refused(now: loop.now)
                    progress.receipt.bounces += 1
                    counters.bounces.increment()
                }
            case .failed(let failure):
                gone.append(candidate.node)
                journey.failed(step.index)
                if failure.kind.isPolicy || failure.kind == .userBlocked || failure.isStale || underWay.block != nil {
                    continue
                }
                candidate.load.failed(now: loop.now, began: began)
                counters.failovers.increment()
                if !failure.isUnreached, !retries.take(now: loop.now) { return nil }
            }
        }
        return nil
    }

    private static let left = RoutingFailure.clientGone

    /// All of the answer had come but the word that it is done.
    private func end(
        _ answer: AnswerSoFar, _ exchange: HTTPExchange, _ broken: StreamBreak, _ progress: inout Progress
    ) async -> RoutingFailure? {
        do throws(TransportError) {
            try await exchange.write(array: Array("data: [DONE]\n\n".utf8))
            try await exchange.finishAnswer()
        } catch { return Self.left }
        progress.receipt.outcome = "answered"
        counters.answered.increment()
        return nil
    }

    private func tell(
        _ broken: StreamBreak, _ answer: AnswerSoFar, _ exchange: HTTPExchange, _ progress: inout Progress
    ) async -> RoutingFailure? {
        do throws(TransportError) {
            try await exchange.sayInterrupted(broken, tokens: answer.tokensDelivered)
        } catch { return Self.left }
        progress.receipt.outcome = "interrupted: \(broken.message)"
        counters.interrupted.increment()
        return nil
    }
}

extension ModelRoutes {
    /// The places that can go on with what a variant wrote.
    func thatGoOn(with variant: Variant, besides gone: [NodeID]) -> ModelRoutes {
        let fit = candidates.indices.filter { index in
            let candidate = candidates[index]
            return candidate.variant.prefixStyle != nil && candidate.variant.isSame(as: variant)
                && !gone.contains(candidate.node)
        }
        return ModelRoutes(id: id, candidates: fit.map { candidates[$0] }, targets: fit.map { targets[$0] })
    }
}
