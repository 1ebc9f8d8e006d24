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

    /// Checks who the user is, and what this node's own configuration says of the model and of the data, whatever the entry node
    /// let pass.
    func admit(_ exchange: HTTPExchange, to model: LocalModel, from peer: NodeID) async -> Admission {
        let variant = model.variant
        let nowSeconds = mesh_realtime_ns() / 1_000_000_000
        let user: RequestUser?
        do throws(IdentityRefusal) {
            if variant.highAssurance {
                throw IdentityRefusal.highAssurance(api: router.view.mesh[router.me]?.identity?.api)
            }
            user = try identify(exchange, peer, nowSeconds)
        } catch {
            router.counters.identitiesRefused.increment()
            refusals(peer, "its word on who a user is: \(error.message)")
            await forbid(exchange, error.status, type: error.type, code: error.code, "\(model.id): \(error.message)")
            return .answered
        }
        if let refusal = variant.access.refusal(of: user?.identity, nowSeconds: nowSeconds) {
            await forbid(exchange, .forbidden, "\(model.id) is not for you: \(refusal)")
            return .answered
        }
        if let refusal = dataRefusal(exchange, variant, from: peer) {
            await forbid(exchange, .dataPolicy, "\(model.id) at site \(router.me.site): \(refusal)")
            return .answered
        }
        return .admitted(user)
    }

    /// Every request says who its user is. Without somebody to check it nothing is believed, and only what is open to all is open.
    private func identify(
        _ exchange: HTTPExchange, _ peer: NodeID, _ nowSeconds: UInt64
    ) throws(IdentityRefusal) -> RequestUser? {
        guard let identities else { return nil }
        guard let range = exchange.head.first(named: "meshnode-identity", in: exchange.headBytes) else { throw .missing }
        let token = UnsafeRawBufferPointer(rebasing: exchange.headBytes[range])
        return try identities.verify(token, from: peer, nowSeconds: nowSeconds)
    }

    /// What this site's own policy says of data that bears the labels the entry node tells.
    private func dataRefusal(_ exchange: HTTPExchange, _ variant: Variant, from peer: NodeID) -> DataRefusal? {
        guard exchange.head.first(named: "meshnode-data-class", in: exchange.headBytes) != nil else { return nil }
        // Of two fields one might be overlooked: all count.
        let classes = exchange.texts(named: "meshnode-data-class").flatMap(dataClassNames)
        return data.demands(told: Array(classes.prefix(DataClass.allowed + 1))).refusal(
            by: variant, at: router.me.site, isAway: peer.site != router.me.site)
    }

    private func forbid(_ exchange: HTTPExchange, _ kind: RoutingFailure.Kind, _ message: String) async {
        router.counters.forbidden.increment()
        await forbid(exchange, 403, type: "permission_error", code: kind.rawValue, message)
    }

    private func forbid(_ exchange: HTTPExchange, _ status: Int, type: String, code: String, _ message: String) async {
        let body = #"{"error":{"message":"\#(jsonEscaped(message))","type":"\#(type)","param":null,"code":"\#(code)"}}"#
        await exchange.respond(status: status, contentType: "application/json", body: body) {
            $0.field("Meshnode-Refused", code)
        }
    }
}

/// The names in a `Mesh-Data-Class` field, which is a list (RFC 9110 §5.6.1); no name holds a blank.
public func dataClassNames(_ text: String) -> [String] {
    text.split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
}
