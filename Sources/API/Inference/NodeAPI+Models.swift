import Gossip
import Routing
import Transport

extension NodeAPI {
    /// `GET /v1/models`: each model that at least one site has, can be reached at, and lets the caller use.
    func listModels(_ call: Call) async throws(APIError) {
        var needs = RequestNeeds(model: "")
        try admit(call.caller, &needs)
        let view = router.view
        let text = JSONWriter.object { root in
            root.field("object", "list")
            root.key("data")
            root.array { list in
                for id in view.models {
                    guard let routes = view.routes[id], isListed(routes), mayUse(routes, needs, call.caller) else {
                        continue
                    }
                    describe(routes, needs, &list)
                }
            }
        }
        await call.json(text)
    }

    /// `GET /v1/models/{id}`; the id may hold slashes.
    func showModel(_ call: Call) async throws(APIError) {
        let prefix = "/v1/models/"
        let encoded = String(call.exchange.path.dropFirst(prefix.count))
        let name = decodePercent(encoded.utf8) ?? encoded
        var needs = RequestNeeds(model: name)
        try admit(call.caller, &needs)
        let routes = try resolve(name, &needs, call.caller)
        try checkKey(call.caller, model: routes.id, tokens: nil)
        if let block = needs.blocks?.model(routes.id, nowSeconds: needs.nowSeconds) {
            throw APIError(
                403, type: "permission_error", code: block.kind.failure.rawValue, parameter: "model",
                block.message(at: router.me))
        }
        let refusals = routes.candidates.compactMap { router.choice.policyExclusion(of: $0, for: needs) }
        if refusals.count == routes.candidates.count, let refusal = router.policyFailure(routes, needs) {
            throw APIError(refusal)
        }
        guard isListed(routes) else {
            throw APIError(
                404, code: "model_not_found", parameter: "model", "no site that has \(routes.id) can be reached just now")
        }
        var writer = JSONWriter()
        describe(routes, needs, &writer)
        await call.json(writer.text)
    }

    private func isListed(_ routes: ModelRoutes) -> Bool {
        routes.candidates.contains { $0.state != .offline && $0.state != .disconnected }
    }

    private func describe(_ routes: ModelRoutes, _ needs: RequestNeeds, _ writer: inout JSONWriter) {
        let usable = routes.candidates.filter {
            router.choice.policyExclusion(of: $0, for: needs) == nil && router.choice.block(on: $0, for: needs) == nil
        }
        writer.object {
            $0.field("id", routes.id)
            $0.field("object", "model")
            $0.field("created", facts.startedAt)
            $0.field("owned_by", facts.federation)
            $0.field("state", usable.bestState.rawValue)
            $0.field("context_tokens", usable.compactMap { $0.variant.contextTokens.value }.min())
            $0.field("capabilities", usable.capabilityNames)
            $0.key("sites")
            $0.array { list in
                for candidate in usable {
                    list.object {
                        $0.field("site", candidate.node.site)
                        $0.field("state", candidate.state.rawValue)
                    }
                }
            }
        }
    }
}

extension [Candidate] {
    /// The best of its states: what a caller may hope for.
    var bestState: ModelState {
        let order: [ModelState] = [
            .running, .starting, .queued, .stopped, .maintenance, .unknown, .failed, .disconnected, .offline,
        ]
        for state in order where contains(where: { $0.state == state }) { return state }
        return .unknown
    }

    /// What any of its variants can do.
    var capabilityNames: [String] {
        reduce(into: Capabilities()) { $0.formUnion($1.capabilities ?? []) }.names
    }
}
