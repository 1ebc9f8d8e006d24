import Gossip
import Routing
import Transport

extension NodeAPI {
    /// `GET /mesh/route?model=M[&tokens=N][&as=USER…][&class=C]`: what the choice would be now, for nobody in particular or for a
    /// user who is described as `GET /mesh/policy` has it.
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
        let user = call.exchange.query("as") == nil ? nil : try DescribedUser(call.exchange).identity
        needs.user = user.map { RequestUser($0) }
        needs.nowSeconds = Self.nowSeconds
        needs.ignoresAccess = user == nil
        needs.blocks = router.blocks.current
        let classes = try dataClasses(asked: call.exchange)
        if user != nil || !classes.isEmpty { needs.data = try demands(of: user, classes) }
        let routes = try resolve(model, &needs, call.caller)
        needs.model = routes.id
        let now = call.exchange.worker.loop.now
        let (picked, entries) = router.explain(needs, routes, now: now)
        let text = JSONWriter.object { root in
            root.field("model", routes.id)
            root.field("chosen", picked.map { entries[$0.index].site })
            root.field("reason", picked?.reason.rawValue)
            root.key("candidates")
            root.array { list in
                for (index, entry) in entries.enumerated() {
                    list.object {
                        $0.field("site", entry.site)
                        $0.field("score", entry.excluded == nil ? router.score(routes.candidates[index], now: now) : nil)
                        $0.field("state", entry.state.rawValue)
                        $0.field("ageSeconds", entry.ageSeconds)
                        $0.field("excluded", entry.excluded?.description)
                    }
                }
            }
        }
        await call.json(text)
    }

    /// `GET /mesh/receipts?limit=N`, newest first.
    func receiptList(limit: Int) -> String {
        JSONWriter.object { root in
            root.key("receipts")
            root.array { list in
                for receipt in router.receipts.latest(min(limit, 1000)) { describe(receipt, &list) }
            }
        }
    }

    private func describe(_ receipt: Receipt, _ writer: inout JSONWriter) {
        writer.object {
            $0.field("id", receipt.id)
            $0.field("requestId", receipt.requestID)
            $0.field("at", Timestamp.text(seconds: receipt.at / 1_000_000_000))
            $0.field("model", receipt.model)
            $0.field("user", receipt.user)
            $0.field("entry", "\(receipt.entry.site)/\(receipt.entry.node)")
            $0.field("site", receipt.site)
            $0.field("reason", receipt.reason?.rawValue)
            $0.field("tries", receipt.tries)
            $0.field("bounces", receipt.bounces)
            $0.key("candidates")
            $0.array { list in
                for entry in receipt.candidates {
                    list.object {
                        $0.field("site", entry.site)
                        $0.field("node", entry.node)
                        $0.field("state", entry.state.rawValue)
                        $0.field("free", entry.free)
                        $0.field("ageSeconds", entry.ageSeconds)
                        $0.field("excluded", entry.excluded?.description)
                    }
                }
            }
            $0.field("outcome", receipt.outcome)
        }
    }
}
