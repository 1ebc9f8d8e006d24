import Gossip
import Transport

extension MeshPort {
    /// A node of another federation: it may ask what it is offered, and use that; nothing else here is for it.
    func handleLinked(_ exchange: HTTPExchange, _ peer: NodeID, of federation: String) async {
        guard let link = linked.first(where: { $0.federation == federation }) else {
            exchange.closesAfter = true
            return await answer(exchange, 403, "not_linked", "this node is not linked with the federation \(federation)")
        }
        if exchange.withPath({ Self.equal($0, LinkList.path) }) {
            do throws(HTTPSyntaxError) {
                _ = try await exchange.readBody(limit: 1024)
            } catch { return await answer(exchange, error.status, "bad_body", error.reason) }
            let list = link.list(of: router.view.mesh, as: self.federation)
            return await exchange.respond(status: 200, contentType: "application/json", body: list.encode())
        }
        for path in Self.inferencePaths where exchange.withPath({ Self.equal($0, path) }) {
            return await serve(exchange, path, peer, link: link)
        }
        await answer(exchange, 403, "not_for_linked", "another federation may use what it is offered, and nothing else here")
    }
}
