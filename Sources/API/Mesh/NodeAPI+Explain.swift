import Gossip
import Routing
import Transport

extension NodeAPI {
    /// `GET /mesh/route?model=M[&user=U&tokens=N][&class=C]`: what the choice would be now, for nobody in particular or for a user who is
    /// described as `GET /mesh/policy` has it (`as` is another name for `user`).
    func explainRoute(_ call: Call) async throws(APIError) {
        guard let model = call.exchange.query("model"), !model.isEmpty else {
            throw APIError(400, code: "missing_parameter", parameter: "model", "say which model: /mesh/route?model=NAME")
        }
        var needs = RequestNeeds(model: model)
        if let text = call.exchange.query("tokens") {
            guard let tokens = Int(text), (0...100_000_000).contains(tokens) else {
                throw APIError(
                    400, code: "invalid_parameter", parameter: "tokens", "tokens takes a number from 0 to 100000000")
            }
            needs.contextTokens = tokens
        }
        let user = try describedUser(call.exchange)
        needs.user = user.map { RequestUser($0) }
        needs.nowSeconds = Self.nowSeconds
        needs.ignoresAccess = user == nil
        needs.blocks = router.blocks.current
        let classes = try dataClasses(asked: call.exchange)
        if user != nil || !classes.isEmpty { needs.data = try demands(of: user, classes) }
        let routes = try resolve(model, &needs, call.caller)
        needs.model = routes.id
        let (step, candidates) = router.explain(needs, routes, now: call.exchange.worker.loop.now)
        let explanation = RouteExplanation(
            model: routes.id, chosen: step.map { candidates[$0.index].site }, node: step.map { candidates[$0.index].node },
            reason: step?.reason, queues: step?.queues, candidates: candidates)
        guard let text = Receipt.json(explanation) else { throw APIError(unwritable: "the route") }
        await call.json(text)
    }

    private func describedUser(_ exchange: HTTPExchange) throws(APIError) -> UserIdentity? {
        let given = ["user", "as"].filter { exchange.query($0) != nil }
        guard given.count < 2 else {
            throw APIError(
                400, code: "invalid_parameter", parameter: "as", "user and as are the same thing: give one of them")
        }
        return given.isEmpty ? nil : try DescribedUser(exchange, by: given[0]).identity
    }
}

/// The answer of `GET /mesh/route`.
private struct RouteExplanation: Encodable {
    var model: String
    var chosen: String?
    var node: String?
    var reason: RouteReason?
    /// No slot is believed free: it would wait there.
    var queues: Bool?
    var candidates: [Receipt.Seen]

    private enum CodingKeys: String, CodingKey {
        case model, chosen, node, reason, queues, candidates
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(model, forKey: .model)
        try fields.encode(chosen, forKey: .chosen)
        try fields.encode(node, forKey: .node)
        try fields.encode(reason, forKey: .reason)
        try fields.encode(queues, forKey: .queues)
        try fields.encode(candidates, forKey: .candidates)
    }
}

extension APIError {
    init(unwritable what: String) {
        self.init(500, type: "server_error", code: "internal_error", "\(what) holds a number that JSON has not")
    }
}
