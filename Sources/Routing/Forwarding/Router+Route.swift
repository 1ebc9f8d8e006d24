import CLinux
import Gossip
public import Transport

extension Router {
    /// Runs a request at the best place, and answers the client.
    ///
    /// - Parameter fields: writes the entry's own fields into an answer's head, given the place and the way it was found; nil: the head
    ///   goes out before there is a place.
    /// - Returns: nil when the client was answered (or has gone); otherwise why not, and nothing was sent.
    public func route(
        _ request: ForwardRequest, routes: ModelRoutes, on exchange: HTTPExchange,
        fields: (HTTPExchange, AnswerOrigin?) -> Void
    ) async -> RoutingFailure? {
        var request = request
        policies.apply(to: &request.needs, model: routes.id)
        let trails = exchange.worker.attachment(TrailPool.self) { TrailPool() }
        var progress = Progress(trails.take())
        progress.receipt.begin(
            requestID: request.requestID, user: request.user, entry: me, needs: request.needs, candidates: routes.candidates,
            at: mesh_realtime_ns(), now: exchange.worker.loop.now)
        let underWay = exchange.beginRequest(
            user: request.needs.user, key: request.key, model: routes.id)
        defer { underWay.end() }
        request.answer = answerSoFar(of: request, exchange)
        retries.began()
        var failure = await tryCandidates(&request, routes, exchange, underWay, &progress, fields)
        if let none = failure, none.kind == .noneRunning {
            failure = await tryOnceStarted(&request, routes.id, none, exchange, underWay, &progress, fields)
        }
        if let failure {
            progress.receipt.outcome =
                failure.kind == .clientGone
                ? progress.runsOn ? "clientGone: the task runs on at the endpoint" : "clientGone"
                : "failed: \(failure.message)"
            if failure.kind == .clientGone { counters.clientsGone.increment() } else { counters.failed.increment() }
        }
        let site = progress.receipt.tries > 0 ? progress.receipt.site : nil
        receipts.add(&progress.receipt)
        trails.put(&progress.receipt)
        guard let failure, failure.kind != .clientGone else { return nil }
        guard exchange.headIsOut else { return failure }
        do throws(TransportError) { try await exchange.say(LateFailure(failure, site: site)) } catch {}
        return nil
    }

    /// What one request has been through.
    struct Progress {
        var receipt: ReceiptTrail
        var journey = Journey()
        /// Bit i: candidate i could not be reached at all.
        var unreached: UInt64 = 0
        var lastFailure: RoutingFailure?
        /// Tries that failed, whatever came of them.
        var failures = 0
        /// Places that will not have it, though nothing is amiss with them.
        var turnedAway: [NodeID] = []
        var triedDirectly = false
        /// A server has said that the prompt is too long for its variant.
        var wentLonger = false
        /// The soonest that one of those who refused would have the client come again.
        var retryAfterSeconds: Int?
        /// The client went away from a task that nobody can stop.
        var runsOn = false

        init(_ receipt: ReceiptTrail) { self.receipt = receipt }
    }

    func tryCandidates(
        _ request: inout ForwardRequest, _ routes: ModelRoutes, _ exchange: HTTPExchange, _ underWay: RequestUnderWay,
        _ progress: inout Progress,
        _ fields: (HTTPExchange, AnswerOrigin?) -> Void
    ) async -> RoutingFailure? {
        var routes = routes
        let loop = exchange.worker.loop
        let random = random(exchange.worker)
        while true {
            if exchange.clientIsGone { return RoutingFailure(.clientGone, status: 499, "the client went away") }
            if let failure = meetBlocks(&request, underWay) { return failure }
            if loop.now >= request.deadline {
                return progress.lastFailure ?? .deadline
            }
            guard
                let step = progress.receipt.next(
                    &progress.journey, choice, for: request.needs, now: loop.now, random: &random.generator)
            else {
                if let now = placesNow(after: routes, request, &progress, now: loop.now) {
                    routes = now
                    continue
                }
                if case .ended(let failure) = await tryDirectly(&request, routes, exchange, underWay, &progress, fields) {
                    return failure
                }
                return progress.lastFailure ?? explainNone(routes, request.needs)
            }
            let queues = step.queues
            let candidates = routes.candidates
            let first = candidates[step.index]
            progress.receipt.tries += 1
            progress.receipt.site = first.node.siteName
            progress.receipt.reason = step.reason
            let origin = AnswerOrigin(
                site: first.node.siteName, variant: first.variantText, reason: step.reason,
                tries: progress.receipt.tries,
                candidates: candidates.count, ageSeconds: first.load.sample().ageSeconds(now: loop.now))
            request.hasElsewhere = hasElsewhere(request, than: step.index, candidates, progress.journey, now: loop.now)
            request.mayGoLonger = !progress.wentLonger && routes.mayHoldMore(than: first)
            if exchange.headIsOut { request.place = origin.comment }
            let began = loop.now
            let hedge = exchange.headIsOut ? nil : hedge(request, step, routes, progress.journey)
            hedge?.exchange(&progress.receipt)
            request.hedge = hedge
            var attempt: Attempt
            switch routes.targets[step.index] {
            case .local(let model):
                underWay.goes(to: nil)
                attempt = await runHere(request, model, exchange, queues: queues) {
                    fields($0, hedge?.origin(origin, now: loop.now) ?? origin)
                }
            case .peer(let upstream):
                attempt = await send(request, model: routes.id, to: upstream, first, exchange, queues: queues) {
                    fields($0, hedge?.origin(origin, now: loop.now) ?? origin)
                }
            }
            request.hedge = nil
            let index = hedge?.settle(&progress, &attempt, now: loop.now) ?? step.index
            let candidate = candidates[index]
            progress.receipt.ended(attempt, now: loop.now)
            switch attempt {
            case .answered:
                progress.receipt.outcome = "answered"
                affinities.served(request.needs.affinity, by: candidate.tag)
                counters.answered.increment()
                if candidate.isLocal { counters.ranHere.increment() } else { counters.ranElsewhere.increment() }
                return nil
            case .interrupted(let why):
                progress.receipt.outcome = "interrupted: \(why)"
                // What our own operator ended says nothing against the place.
                if underWay.block == nil { candidate.load.failed(now: loop.now, began: began) }
                counters.interrupted.increment()
                return nil
            case .broken(let broken):
                if underWay.block == nil { candidate.load.failed(now: loop.now, began: began) }
                return await carryOn(&request, routes, exchange, underWay, from: candidate, broken, &progress)
            case .clientGone:
                if case .local(let model) = routes.targets[index] { progress.runsOn = model.outlivesClients }
                return RoutingFailure(.clientGone, status: 499, "the client went away")
            case .refused(let seconds):
                progress.retryAfterSeconds = min(progress.retryAfterSeconds ?? seconds, seconds)
                if queues {
                    // Even its queue is full: there is nothing better.
                    progress.journey.failed(index)
                    progress.turnedAway.append(candidate.node)
                    progress.lastFailure = RoutingFailure(
                        .overloaded, status: 503, "every site that serves \(routes.id) is full just now",
                        retryAfterSeconds: progress.retryAfterSeconds)
                } else {
                    progress.journey.refused(index)
                    candidate.load.refused(now: loop.now)
                    progress.receipt.bounces += 1
                    counters.bounces.increment()
                }
            case .failed(let failure):
                // What is late through the client's own haste says nothing against the place.
                if loop.now >= request.deadline { return .deadline }
                // It waited in line as long as anyone may: another line would not be shorter.
                if queues, failure.kind == .overloaded, failure.answer == nil { return failure }
                progress.journey.failed(index)
                if failure.isUnreached { progress.unreached |= 1 << UInt64(index) }
                if failure.isStale {
                    progress.lastFailure = progress.lastFailure ?? failure
                    progress.turnedAway.append(candidate.node)
                    candidate.load.refused(now: loop.now)
                    continue
                }
                progress.failed(failure)
                if failure.kind == .contextTooShort, failure.answer != nil {
                    // Nothing is amiss with the place: the request goes, once, where more fits in.
                    progress.wentLonger = true
                    progress.turnedAway.append(candidate.node)
                    request.needs.isTooLong(for: candidate)
                    continue
                }
                // A site that refuses one user serves others well, and what our own operator ended says nothing against it.
                if failure.kind.isPolicy || failure.kind == .userBlocked || underWay.block != nil {
                    progress.turnedAway.append(candidate.node)
                    continue
                }
                candidate.load.failed(now: loop.now, began: began)
                counters.failovers.increment()
                // Where nothing was reached, going elsewhere is no more work for anyone.
                if !failure.isUnreached, !retries.take(now: loop.now) { return failure }
            }
        }
    }

    /// Whether a block stands against the request as a whole: asked once it is in the registry, where later blocks find it.
    func meetBlocks(_ request: inout ForwardRequest, _ underWay: RequestUnderWay) -> RoutingFailure? {
        request.needs.blocks = blocks.current
        guard let blocks = request.needs.blocks else { return nil }
        request.needs.nowSeconds = Self.nowSeconds
        underWay.goes(to: nil)
        guard underWay.meet(blocks, me: me, nowSeconds: request.needs.nowSeconds), let block = underWay.ending else {
            return nil
        }
        return RoutingFailure(block, at: me)
    }

    /// How the last resort ended.
    private enum LastResort {
        /// There was none.
        case none
        /// nil: the client was answered.
        case ended(RoutingFailure?)
    }

    /// The last resort: the endpoint of a site whose nodes cannot be reached.
    private func tryDirectly(
        _ request: inout ForwardRequest, _ routes: ModelRoutes, _ exchange: HTTPExchange, _ underWay: RequestUnderWay,
        _ progress: inout Progress, _ fields: (HTTPExchange, AnswerOrigin?) -> Void
    ) async -> LastResort {
        let now = exchange.worker.loop.now
        guard !progress.triedDirectly,
            let direct = directRoute(routes, request.needs, unreached: progress.unreached, now: now)
        else { return .none }
        progress.triedDirectly = true
        progress.receipt.tries += 1
        progress.receipt.site = direct.node.site
        progress.receipt.reason = .direct
        progress.receipt.goesDirectly(to: direct.node)
        let origin = AnswerOrigin(
            site: direct.node.site, variant: direct.candidate.variantText, reason: .direct, tries: progress.receipt.tries,
            candidates: routes.candidates.count, ageSeconds: now > direct.heardAt ? Double(now - direct.heardAt) / 1e9 : 0)
        if exchange.headIsOut { request.place = origin.comment }
        let attempt = await runDirect(request, direct, exchange, fields: { fields($0, origin) })
        progress.receipt.ended(attempt, now: exchange.worker.loop.now)
        switch attempt {
        case .answered:
            progress.receipt.outcome = "answered"
            counters.answered.increment()
            counters.ranDirectly.increment()
            return .ended(nil)
        case .interrupted(let why):
            progress.receipt.outcome = "interrupted: \(why)"
            counters.interrupted.increment()
            return .ended(nil)
        case .broken(let broken):
            return .ended(await carryOn(&request, routes, exchange, underWay, from: direct.candidate, broken, &progress))
        case .clientGone: return .ended(RoutingFailure(.clientGone, status: 499, "the client went away"))
        case .failed(let failure): return .ended(failure)
        case .refused(let seconds):
            return .ended(
                RoutingFailure(
                    .overloaded, status: 503, "every place that serves \(routes.id) is full just now",
                    retryAfterSeconds: min(progress.retryAfterSeconds ?? seconds, seconds)))
        }
    }

    /// No candidate may serve it: the most telling reason.
    private func explainNone(_ routes: ModelRoutes, _ needs: RequestNeeds) -> RoutingFailure {
        let exclusions = routes.candidates.compactMap { choice.exclusion(of: $0, for: needs) }
        let serving = zip(routes.candidates, exclusions).map { "\($0.node.siteName): \($1)" }.joined(separator: "; ")
        if exclusions.allSatisfy({ if case .siteNotAllowed = $0 { true } else { false } }) {
            let sites = Set(routes.candidates.map(\.node.siteName)).sorted().joined(separator: ", ")
            return RoutingFailure(
                .notAllowed, status: 404, "no site that the request allows serves \(routes.id); it is at \(sites)")
        }
        let others = exclusions.filter { $0 != .siteNotAllowed }
        if others.allSatisfy(\.isPolicy), let first = others.first {
            counters.forbidden.increment()
            return RoutingFailure(policy: first, model: routes.id, serving: serving)
        }
        if !exclusions.contains(where: \.mayPass) {
            for case .blocked(let block) in exclusions { return RoutingFailure(block, at: me) }
        }
        for exclusion in exclusions {
            if case .contextTooShort = exclusion, !exclusions.contains(where: \.mayPass) {
                return RoutingFailure(.contextTooShort, status: 400, "the request is too long for \(routes.id): \(serving)")
            }
        }
        if !exclusions.contains(where: \.mayPass) {
            return RoutingFailure(.unsupported, status: 400, "no variant of \(routes.id) can serve this request: \(serving)")
        }
        return RoutingFailure(
            .noneRunning, status: 503, "no site runs \(routes.id) just now: \(serving)", retryAfterSeconds: 10)
    }
}

extension Exclusion {
    /// True when waiting may help.
    var mayPass: Bool {
        switch self {
        case .unreachable, .draining, .notRunning, .failedLately, .alreadyTried, .endsTooSoon: true
        case .siteNotAllowed, .forbidden, .notVouched, .highAssurance, .data, .blocked, .localOnly, .lacks, .contextTooShort,
            .otherRevision, .otherDtype, .otherVariant, .notPinned:
            false
        }
    }
}
