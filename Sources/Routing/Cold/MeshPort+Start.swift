import CLinux
import Gossip
import Transport

extension MeshPort {
    /// Where a node asks that a model be started for one of its users.
    public static let startPath: StaticString = "/meshnode/v1/start"

    func start(_ exchange: HTTPExchange, _ peer: NodeID) async {
        guard let name = exchange.text(named: "meshnode-model"), let model = models[name], model.variant.policy != "local"
        else {
            return await refuse(exchange, nil, "no_such_model")
        }
        guard case .admitted(let user) = await admit(exchange, to: model, from: peer) else { return }
        let underWay = exchange.beginRequest(user: user, model: model.id, from: peer)
        defer { underWay.end() }
        if let block = meetBlocks(underWay) { return await refuse(exchange, block, model) }
        if router.view.mesh[router.me]?.identity?.draining == true { return await refuse(exchange, model, "draining") }
        let site = peer.site == router.me.site ? nil : peer.site
        switch model.start(for: site, user?.identity, log: router.tells) {
        case .begin(let seconds), .underWay(let seconds):
            let eta = seconds.map { "\(Int($0))" } ?? "null"
            await exchange.respond(
                status: 202, contentType: "application/json", body: #"{"state":"starting","etaSeconds":\#(eta)}"#)
        case .refused(let why):
            refusals(peer, "a start of the model \(model.id): \(why)")
            await answer(exchange, 409, "not_started", why)
        }
    }
}
