import Gossip
import Transport

extension MeshPort {
    /// What of this node's blocks stands against a request of a peer: asked once it is in the registry, where later blocks find it.
    func meetBlocks(_ underWay: RequestUnderWay) -> Block? {
        guard let blocks = router.blocks.current else { return nil }
        underWay.meet(blocks, me: router.me, nowSeconds: Router.nowSeconds)
        return underWay.ending
    }

    /// Refuses with the block's own code, which the entry node understands.
    func refuse(_ exchange: HTTPExchange, _ block: Block, _ model: LocalModel?) async {
        router.counters.refusals.increment()
        let failure = RoutingFailure(block, at: router.me)
        let code = failure.kind.rawValue
        let body =
            #"{"error":{"message":"\#(jsonEscaped(failure.message))","type":"permission_error","param":null,"code":"\#(code)"}}"#
        await exchange.respond(status: 403, contentType: "application/json", body: body) {
            $0.field("Meshnode-Refused", code)
            if let model { $0.field("Meshnode-Load", Self.report(model).text) }
        }
    }
}
