import CLinux
import Gossip
import Transport

extension Router {
    /// Our word to a candidate's site on who makes a request, by the key of the link that it travels over; nil where the user or the way to sign is not known.
    func assertion(
        of request: borrowing ForwardRequest, for candidate: Candidate, over stream: Stream
    ) -> [UInt8]? {
        guard let asserter, let user = request.needs.user else { return nil }
        return asserter.assertion(
            of: user.identity, for: candidate.node.siteName, rules: candidate.variant.access,
            nowSeconds: mesh_realtime_ns() / 1_000_000_000, link: stream.contextName)
    }

    /// What comes of an answer in which a site says that its operator has blocked this node, the user or the model.
    private func blocked(by site: String, _ reason: String, _ status: Int, _ body: [UInt8]) -> RoutingFailure? {
        let kind = RoutingFailure.Kind(rawValue: reason)
        switch kind {
        case .userBlocked:
            var failure = RoutingFailure(.userBlocked, status: 403, "site \(site) refuses this user")
            failure.answer = (status, "application/json", body)
            return failure
        case .modelBlocked, .isolated, .peerBlocked:
            let what =
                kind == .modelBlocked ? "its model is blocked" : kind == .isolated ? "it is isolated" : "it blocks this node"
            return RoutingFailure(
                kind ?? .isolated, status: 503, "site \(site) does not serve this: \(what)", retryAfterSeconds: 30)
        default: return nil
        }
    }

    /// What comes of an answer in which a site refuses the user, or does not believe our word on who that is.
    func forbidden(_ connection: HTTPClientConnection, _ why: Range<Int>, site: String) async -> RoutingFailure {
        let reason = String(decoding: connection.headBytes[why].prefix(64), as: UTF8.self)
        let status = connection.head.status
        let body = await discard(connection)
        if let failure = blocked(by: site, reason, status, body) { return failure }
        counters.forbidden.increment()
        guard let kind = RoutingFailure.Kind(rawValue: reason), kind.isPolicy else {
            // Nothing that the user could do about: it is between the two nodes.
            return RoutingFailure(
                .unreachable, status: 502, "site \(site) did not take this node's word on who the user is: \(reason)")
        }
        var failure = RoutingFailure(kind, status: status, "site \(site) refuses this user: \(reason)")
        failure.answer = (status, "application/json", body)
        return failure
    }
}
