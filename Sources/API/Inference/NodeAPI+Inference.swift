import Gossip
import Routing
import Transport

extension NodeAPI {
    /// One inference request: read it, know what it needs, send it where it is best run.
    func infer(_ call: Call, _ path: StaticString, _ capability: Capabilities) async throws(APIError) {
        let exchange = call.exchange
        let now = exchange.worker.loop.now
        let deadline = try deadline(exchange, now: now)
        let resumes = try resumes(exchange)
        var needs = try siteFields(exchange)
        try admit(call.caller, &needs, dataClasses: try dataClasses(exchange))
        let body: Range<Int>
        do throws(HTTPSyntaxError) {
            body = try await exchange.readBody(limit: facts.bodyLimit)
        } catch { throw APIError(error) }
        guard !body.isEmpty else {
            throw APIError(400, code: "empty_body", "the request has no body; it takes a JSON object with a \"model\"")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: exchange.headBytes[body])
        let scan: InferenceBody
        do throws(JSONSyntaxError) {
            scan = try InferenceBody.scan(bytes)
        } catch {
            throw APIError(400, code: "invalid_json", "the body is not a request: \(error.reason) (at byte \(error.offset))")
        }
        guard let modelRange = scan.model, !modelRange.isEmpty else {
            throw APIError(400, code: "missing_model", parameter: "model", "the request names no \"model\"")
        }
        let name = JSONScanner.text(bytes, in: modelRange)
        let routes = try resolve(name, &needs, call.caller)
        needs.model = routes.id
        needs.capabilities = capability.union(capabilities(scan))
        needs.contextTokens = max(scan.estimatedPromptTokens / 2, 1) + (scan.maxTokens ?? 0)
        needs.promptTokens = scan.estimatedPromptTokens
        let lengths = AnswerLengths.key(user: call.caller?.name ?? "", model: routes.id)
        needs.answerTokens = min(
            scan.maxTokens ?? Self.longAnswerTokens,
            router.lengths.most(of: lengths) ?? scan.maxTokens ?? Self.usualAnswerTokens, Self.longAnswerTokens)
        if capability.contains(.embeddings), !needs.mayChangeVariant, needs.revision == nil, needs.dtype == nil {
            needs.variant = routes.embeddingVariant
        }
        needs.affinity = AffinityKey.of(scan, bytes, model: routes.id)
        needs.servedBy = router.affinities.place(of: needs.affinity)
        let answer = (scan.maxTokens ?? Self.assumedAnswerTokens) * max(scan.choices, 1)
        try checkKey(call.caller, model: routes.id, tokens: scan.estimatedPromptTokens + min(answer, 1 << 40))
        var request = ForwardRequest(
            path: path, body: body, modelRange: modelRange, needs: needs, requestID: call.requestID,
            user: call.caller?.name ?? "", isStream: scan.stream, deadline: deadline)
        if exchange.text(.meshDeadline) == nil { request.patience = min(deadline, now &+ router.timeouts.start) }
        request.key = call.caller?.key?.id
        if scan.isFlexible { request.priority = .batch }
        request.resumes = resumes
        request.lengths = lengths
        let failure = await router.route(request, routes: routes, on: exchange) { exchange, origin in
            call.fields(exchange)
            origin?.write(to: exchange)
        }
        guard let failure else { return }
        if let answer = failure.answer { return await pass(answer, failure, call) }
        throw APIError(failure)
    }

    /// Tokens that an answer is taken to have, for a key's share of the day, where the request sets no limit.
    static let assumedAnswerTokens = 1024

    /// Tokens that an answer is expected to have where the request sets no limit; and where it sets one so high that it is none.
    static let usualAnswerTokens = 512
    static let longAnswerTokens = 4096

    /// A backend's own last word, as it said it.
    private func pass(_ answer: (status: Int, contentType: String, body: [UInt8]), _ failure: RoutingFailure, _ call: Call)
        async
    {
        await call.exchange.respond(status: answer.status, contentType: "application/json", body: answer.body) {
            if let seconds = failure.retryAfterSeconds { $0.field("Retry-After", seconds) }
            call.fields($0)
        }
    }

    private func capabilities(_ scan: InferenceBody) -> Capabilities {
        var needed: Capabilities = []
        if scan.hasTools { needed.insert(.tools) }
        if scan.hasImages { needed.insert(.images) }
        if scan.wantsStructuredOutput { needed.insert(.structuredOutput) }
        if scan.wantsLogprobs { needed.insert(.logprobs) }
        return needed
    }

    /// Finds a model by id, alias, or either with `@site`.
    func resolve(_ name: String, _ needs: inout RequestNeeds, _ caller: Caller?) throws(APIError) -> ModelRoutes {
        let view = router.view
        if let routes = view.routes[name] { return routes }
        if let at = name.lastIndex(of: "@"), let routes = view.routes[String(name[..<at])] {
            let site = String(name[name.index(after: at)...])
            guard routes.candidates.contains(where: { $0.node.siteName == site }) else {
                let usable = routes.candidates.filter { router.choice.policyExclusion(of: $0, for: needs) == nil }
                let sites = Set(usable.map(\.node.siteName)).sorted().joined(separator: ", ")
                throw APIError(
                    404, code: "model_not_found", parameter: "model",
                    "site \(site) does not have the model \(routes.id)\(sites.isEmpty ? "" : "; it is at \(sites)")")
            }
            if let allowed = needs.sites, !allowed.contains(site) {
                throw APIError(
                    400, code: "contradictory_sites", parameter: "model",
                    "the model is pinned to \(site), which Mesh-Site does not allow")
            }
            needs.sites = [site]
            return routes
        }
        let known = view.routes.filter { mayUse($0.value, needs, caller) }.keys.sorted()
        let hint = nearest(name, among: known).map { "; did you mean \($0)?" } ?? ""
        throw APIError(
            404, code: "model_not_found", parameter: "model",
            "no site has the model \(name.prefix(200))\(hint) GET /v1/models lists all")
    }

    // MARK: Fields

    /// `Mesh-Deadline`: seconds from receipt, decimal. Without it an hour: nothing waits for ever.
    private func deadline(_ exchange: HTTPExchange, now: UInt64) throws(APIError) -> UInt64 {
        guard let text = exchange.text(.meshDeadline) else { return now &+ 3_600_000_000_000 }
        guard let seconds = Double(text), seconds.isFinite, seconds > 0, seconds <= 86_400 else {
            throw APIError(
                400, code: "invalid_header", parameter: "Mesh-Deadline",
                "Mesh-Deadline takes seconds above 0 and up to 86400")
        }
        return now &+ UInt64(seconds * 1e9)
    }

    /// `Mesh-Resume: continue`: a stream that breaks is to go on at another site.
    private func resumes(_ exchange: HTTPExchange) throws(APIError) -> Bool {
        guard exchange.text(.meshResume) != nil else { return false }
        for text in exchange.texts(.meshResume) where text != "continue" {
            throw APIError(
                400, code: "invalid_header", parameter: "Mesh-Resume",
                "Mesh-Resume takes the word continue, not \"\(text.prefix(100))\"")
        }
        return true
    }

    /// What `Mesh-Site` and `Mesh-Require` demand.
    private func siteFields(_ exchange: HTTPExchange) throws(APIError) -> RequestNeeds {
        var needs = RequestNeeds(model: "")
        if let text = exchange.text(.meshSite) {
            let sites = text.split(separator: ",").map { String($0.trimmed) }
            guard !sites.isEmpty, sites.count <= 64, sites.allSatisfy({ !$0.isEmpty }) else {
                throw APIError(
                    400, code: "invalid_header", parameter: "Mesh-Site", "Mesh-Site takes site names separated by commas")
            }
            needs.sites = sites
        }
        if let text = exchange.text(.meshRequire) {
            for part in text.split(separator: ",") {
                let pair = part.split(separator: "=", maxSplits: 1).map { String($0.trimmed) }
                switch (pair.first, pair.count) {
                case ("revision", 2): needs.revision = pair[1]
                case ("dtype", 2): needs.dtype = pair[1]
                case ("variant", 2) where pair[1] == "any": needs.mayChangeVariant = true
                default:
                    throw APIError(
                        400, code: "invalid_header", parameter: "Mesh-Require",
                        "Mesh-Require takes revision=…, dtype=… and variant=any, separated by commas")
                }
            }
        }
        return needs
    }
}

extension AnswerOrigin {
    /// The fields that say where an answer comes from.
    func write(to exchange: HTTPExchange) {
        exchange.field("X-Mesh-Site", site)
        exchange.field("X-Mesh-Variant", variant)
        exchange.field("X-Mesh-Route", route)
    }
}

extension Substring {
    var trimmed: Substring {
        var rest = self
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }
}
