import Gossip
import Routing
import Transport

extension NodeAPI {
    /// `GET /v1/policy?model=M[&data_class=C]`: where a request of the caller's may run, before it is sent.
    func explainPolicy(_ call: Call) async throws(APIError) {
        let (routes, needs) = try asked(call)
        try checkKey(call.caller, model: routes.id, tokens: nil)
        await answer(
            call, routes, needs,
            entryRefusal: facts.rules.refusal(of: needs.user?.identity, nowSeconds: needs.nowSeconds))
    }

    /// `GET /mesh/policy?model=M&as=USER[&domain=D&group=G&class=C]`: the same for a user who is described.
    func explainPolicyOfAnother(_ call: Call) async throws(APIError) {
        let described = try DescribedUser(call.exchange)
        let (routes, needs) = try asked(call, as: described.identity)
        await answer(
            call, routes, needs, entryRefusal: facts.rules.refusal(of: described.identity, nowSeconds: needs.nowSeconds))
    }

    /// - Parameter described: whom it is about; nil: the caller.
    private func asked(
        _ call: Call, as described: UserIdentity? = nil
    ) throws(APIError) -> (ModelRoutes, RequestNeeds) {
        guard let model = call.exchange.query("model"), !model.isEmpty else {
            throw APIError(
                400, code: "missing_parameter", parameter: "model", "say which model: \(call.exchange.path)?model=NAME")
        }
        var needs = RequestNeeds(model: model)
        needs.user = described.map { RequestUser($0) } ?? call.caller?.user
        needs.nowSeconds = Self.nowSeconds
        needs.data = try demands(of: needs.user?.identity, try dataClasses(asked: call.exchange))
        let routes = try resolve(model, &needs, call.caller)
        needs.model = routes.id
        return (routes, needs)
    }

    /// `data_class` or `class`, once or more; or the field that a request would bear.
    func dataClasses(asked exchange: HTTPExchange) throws(APIError) -> [String] {
        let limit = DataClass.perRequest + 1
        let given = exchange.queries("data_class", atMost: limit) + exchange.queries("class", atMost: limit)
        guard !given.isEmpty else { return try dataClasses(exchange) }
        return try checked(given.flatMap { dataClassNames($0 ?? "") }, "data_class")
    }

    private func answer(_ call: Call, _ routes: ModelRoutes, _ needs: RequestNeeds, entryRefusal: AccessRefusal?) async {
        let report = PolicyReport(
            model: routes.id, candidates: routes.candidates.filter { needs.sites?.contains($0.node.site) ?? true },
            needs: needs, choice: router.choice, entryRefusal: entryRefusal, known: facts.data)
        await call.json(report.json)
    }
}
