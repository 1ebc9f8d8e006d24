import CLinux
import Gossip
import Transport

extension MeshPort {
    enum Admission {
        /// The user, where the entry node said who that is.
        case admitted(RequestUser?)
        /// Refused, and answered.
        case answered
    }

    /// Checks who the user is and what this node's own configuration says of the model, whatever the entry node let pass.
    func admit(_ exchange: HTTPExchange, to model: LocalModel, from peer: NodeID) async -> Admission {
        let rules = model.variant.access
        let nowSeconds = mesh_realtime_ns() / 1_000_000_000
        let user: RequestUser?
        do throws(IdentityRefusal) {
            user = try identify(exchange, peer, nowSeconds)
            // Where some user is blocked, nobody is served of whom it is not said who they are.
            let mustBeKnown = !rules.isEmpty || router.blocks.current?.hasUsers(nowSeconds: nowSeconds) == true
            if user == nil, mustBeKnown { throw IdentityRefusal.missing }
        } catch {
            router.counters.identitiesRefused.increment()
            refusals(peer, "its word on who a user is: \(error.message)")
            await forbid(exchange, error.status, type: "authentication_error", code: error.rawValue, error.message)
            return .answered
        }
        guard let refusal = rules.refusal(of: user?.identity, nowSeconds: nowSeconds) else { return .admitted(user) }
        router.counters.forbidden.increment()
        await forbid(
            exchange, 403, type: "permission_error", code: RoutingFailure.Kind.forbidden.rawValue,
            "\(model.id) is not for you: \(refusal)")
        return .answered
    }

    /// Without somebody to check it nothing is believed, and nothing refused that is open to all.
    private func identify(
        _ exchange: HTTPExchange, _ peer: NodeID, _ nowSeconds: UInt64
    ) throws(IdentityRefusal) -> RequestUser? {
        guard let identities, let range = exchange.head.first(named: "meshnode-identity", in: exchange.headBytes) else {
            return nil
        }
        let token = UnsafeRawBufferPointer(rebasing: exchange.headBytes[range])
        return try identities.verify(token, from: peer, nowSeconds: nowSeconds)
    }

    private func forbid(_ exchange: HTTPExchange, _ status: Int, type: String, code: String, _ message: String) async {
        let body = #"{"error":{"message":"\#(jsonEscaped(message))","type":"\#(type)","param":null,"code":"\#(code)"}}"#
        await exchange.respond(status: status, contentType: "application/json", body: body) {
            $0.field("Meshnode-Refused", code)
        }
    }
}
