import CLinux
import Gossip
import Transport

extension Router {
    /// Nanoseconds between two looks at the view while a start is waited for.
    private static let look: UInt64 = 200_000_000
    /// Times that a model which was believed to run, and did not, is waited for.
    private static let rounds = 4

    /// Goes on with a request for a model that runs nowhere, once it runs somewhere.
    ///
    /// - Parameter none: why it was to be had nowhere.
    /// - Returns: as `tryCandidates`.
    func tryOnceStarted(
        _ request: inout ForwardRequest, _ model: String, _ none: RoutingFailure, _ exchange: HTTPExchange,
        _ underWay: RequestUnderWay, _ progress: inout Progress, _ fields: (HTTPExchange, AnswerOrigin?) -> Void
    ) async -> RoutingFailure? {
        var failure = none
        for round in 0..<Self.rounds {
            // A place that has just stopped says so sooner than the view does.
            if failure.isStale, let end = await rest(Self.look << UInt64(round), exchange) { return end }
            if let end = await awaitStart(&request, model, failure, exchange, underWay, fields) { return end }
            guard let routes = view.routes[model] else { return failure }
            if exchange.headIsOut { exchange.sayProcessing(every: timeouts.streamKeepAlive) }
            progress.journey = Journey()
            progress.lastFailure = nil
            progress.unreached = 0
            progress.receipt.begin(
                requestID: request.requestID, user: request.user, entry: me, needs: request.needs,
                candidates: routes.candidates, at: mesh_realtime_ns(), now: exchange.worker.loop.now)
            guard let next = await tryCandidates(&request, routes, exchange, underWay, &progress, fields) else { return nil }
            guard next.isStale else { return next }
            failure = next
        }
        return failure
    }

    /// Waits until a model that runs nowhere runs somewhere, and has it started where a site's policy consents. A client that waits for a
    /// stream is told in comments, so that nothing between it and this node takes the silence for an end.
    ///
    /// - Parameter failure: why it can be had nowhere.
    /// - Returns: nil when there is a place for it now; otherwise what the client is told.
    private func awaitStart(
        _ request: inout ForwardRequest, _ model: String, _ failure: RoutingFailure, _ exchange: HTTPExchange,
        _ underWay: RequestUnderWay, _ fields: (HTTPExchange, AnswerOrigin?) -> Void
    ) async -> RoutingFailure? {
        let loop = exchange.worker.loop
        var wait = ColdWait()
        // Where the head is out already, signs of life are given by themselves.
        var signAt: UInt64 = .max
        if request.isStream, !exchange.headIsOut { signAt = exchange.startedAt &+ timeouts.streamKeepAlive }
        while true {
            if let block = meetBlocks(&request, underWay) { return block }
            guard let routes = view.routes[model] else { return failure }
            let candidates = routes.candidates
            if candidates.contains(where: { choice.exclusion(of: $0, for: request.needs) == nil }) { return nil }
            let plan = ColdPlan.plan(
                candidates, for: request.needs, choice, site: me.site, declined: wait.mask(candidates))
            let (index, seconds): (Int, Double?)
            switch plan {
            case .none: return wait.told(failure)
            case .wait(let found, let left): (index, seconds) = (found, left)
            case .start(let found, let left):
                (index, seconds) = (found, left)
                if let why = await ask(routes, found, request, exchange) {
                    wait.refused(candidates[found].node, why)
                    continue
                }
            }
            let site = candidates[index].node.siteName
            let left = wait.waits(for: candidates[index].node, seconds: seconds, now: loop.now)
            if left * 1e9 >= Double(request.patience - min(loop.now, request.patience)) {
                return .notYet(model, at: site, seconds)
            }
            if loop.now >= signAt {
                signAt = loop.now &+ timeouts.streamKeepAlive
                guard await sayWaiting(for: model, at: site, seconds, exchange, fields) else { return .clientGone }
            }
            if let end = await rest(Self.look, exchange) { return end }
        }
    }

    /// Tells a client that waits for a stream what it waits for.
    ///
    /// - Returns: false when it has gone.
    private func sayWaiting(
        for model: String, at site: String, _ seconds: Double?, _ exchange: HTTPExchange,
        _ fields: (HTTPExchange, AnswerOrigin?) -> Void
    ) async -> Bool {
        var text = "waiting for \(model) to start at site \(site)"
        // One that is late is expected at any moment, and one of which nobody knows too.
        if let seconds, seconds > 0 { text += ", expected in \(Int(seconds.rounded(.up))) s" }
        do throws(TransportError) {
            if !exchange.headIsOut { exchange.beginStreamEarly { fields($0, nil) } }
            try await exchange.write(EventComment.of([text]))
            return true
        } catch { return false }
    }

    /// Waits a little.
    ///
    /// - Returns: what ends the wait for good: the client went, or its request was called off.
    private func rest(_ nanoseconds: UInt64, _ exchange: HTTPExchange) async -> RoutingFailure? {
        let deadline = exchange.worker.loop.now &+ nanoseconds
        guard await Parking().wait(for: exchange.stream, deadline: deadline) == .clientGone else { return nil }
        return exchange.clientIsGone ? .clientGone : ended(nil, exchange, site: me.site) ?? .clientGone
    }

    /// Whether one of this node's own models may be started without a request: not while the node is drained, nor while it is blocked.
    public func mayStart(_ model: String) -> Bool {
        view.mesh[me]?.identity?.draining != true && blocks.current?.model(model, nowSeconds: Self.nowSeconds) == nil
    }

    /// Asks a place to start a model.
    ///
    /// - Returns: nil where it will, else why not.
    private func ask(
        _ routes: ModelRoutes, _ index: Int, _ request: ForwardRequest, _ exchange: HTTPExchange
    ) async -> String? {
        let candidate = routes.candidates[index]
        switch routes.targets[index] {
        case .local(let model):
            if case .refused(let why) = model.start(for: nil, request.needs.user?.identity, log: tells) {
                return why
            }
            return nil
        case .peer(let upstream):
            guard startsAsked.mayAsk("\(candidate.node) \(routes.id)", now: exchange.worker.loop.now) else { return nil }
            do throws(TransportError) {
                let answer = try await exchange.worker.pool.request(
                    upstream, method: "POST", target: MeshPort.startPath.description,
                    fields: [("Meshnode-Model", routes.id), ("Meshnode-Request-Id", request.requestID)], limit: 16_384,
                    deadline: min(exchange.worker.loop.now &+ 10_000_000_000, request.deadline),
                    checkPeer: { (stream) throws(TransportError) in
                        guard stream.peerIdentity as? NodeID == candidate.node else {
                            throw TransportError(.tls, "another node answers where \(candidate.node) was expected")
                        }
                    },
                    identify: { stream -> [(StaticString, String)] in
                        guard let word = assertion(of: request, for: candidate, over: stream) else { return [] }
                        return [("Meshnode-Identity", String(decoding: word, as: UTF8.self))]
                    })
                return answer.status == 202 ? nil : "it answered \(answer.status)"
            } catch { return error.message }
        }
    }
}
