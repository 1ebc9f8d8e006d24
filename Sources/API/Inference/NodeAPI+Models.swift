import Gossip
import Routing
import Transport

extension NodeAPI {
    /// `GET /v1/models`: each model that at least one site has and can be reached at.
    func listModels(_ call: Call) async {
        let view = router.view
        let text = JSONWriter.object { root in
            root.field("object", "list")
            root.key("data")
            root.array { list in
                for id in view.models {
                    guard let routes = view.routes[id], isListed(routes) else { continue }
                    describe(routes, &list)
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
        let routes = try resolve(name, &needs)
        guard isListed(routes) else {
            throw APIError(
                404, code: "model_not_found", parameter: "model", "no site that has \(routes.id) can be reached just now")
        }
        var writer = JSONWriter()
        describe(routes, &writer)
        await call.json(writer.text)
    }

    private func isListed(_ routes: ModelRoutes) -> Bool {
        routes.candidates.contains { $0.state != .offline && $0.state != .disconnected }
    }

    private func describe(_ routes: ModelRoutes, _ writer: inout JSONWriter) {
        writer.object {
            $0.field("id", routes.id)
            $0.field("object", "model")
            $0.field("created", facts.startedAt)
            $0.field("owned_by", facts.federation)
            $0.field("state", routes.bestState.rawValue)
            $0.field("context_tokens", routes.candidates.compactMap { $0.variant.contextTokens.value }.min())
            $0.field("capabilities", routes.capabilityNames)
            $0.key("sites")
            $0.array { list in
                for candidate in routes.candidates {
                    list.object {
                        $0.field("site", candidate.node.site)
                        $0.field("state", candidate.state.rawValue)
                    }
                }
            }
        }
    }
}

extension ModelRoutes {
    /// The best of its states: what a caller may hope for.
    var bestState: ModelState {
        let order: [ModelState] = [
            .running, .starting, .queued, .stopped, .maintenance, .unknown, .failed, .disconnected, .offline,
        ]
        for state in order where candidates.contains(where: { $0.state == state }) { return state }
        return .unknown
    }

    /// What any of its variants can do.
    var capabilityNames: [String] {
        candidates.reduce(into: Capabilities()) { $0.formUnion($1.capabilities ?? []) }.names
    }
}
