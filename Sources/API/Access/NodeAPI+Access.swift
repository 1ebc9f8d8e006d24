import CLinux
import Gossip
import Routing
import Synchronization
import Transport

extension NodeAPI {
    static var nowSeconds: UInt64 { mesh_realtime_ns() / 1_000_000_000 }

    /// Who makes a request.
    func identify(_ call: Call) async throws(APIError) -> Caller {
        let exchange = call.exchange
        guard let range = bearerToken(exchange) else {
            throw challenged(
                APIError(
                    401, type: "authentication_error", code: "missing_token",
                    "this route needs a token: send it as `Authorization: Bearer TOKEN`"))
        }
        let token = UnsafeRawBufferPointer(rebasing: exchange.headBytes[range])
        let found = await authenticator.identify(token, nowSeconds: Self.nowSeconds) { clientAddress(exchange) }
        switch found {
        case .caller(let caller):
            if let key = caller.key, !key.allows(clientAddress(exchange)) {
                throw APIError(
                    403, type: "permission_error", code: "key_network_not_allowed",
                    "this key may not be used from your network address")
            }
            return caller
        case .unknown:
            throw challenged(
                APIError(401, type: "authentication_error", code: "invalid_token", "this token is not known here"),
                error: "invalid_token")
        case .refused(let refusal):
            let error = APIError(
                refusal.status, type: refusal.status == 401 ? "authentication_error" : "permission_error",
                code: refusal.code, refusal.message)
            throw refusal.status == 401 ? challenged(error, error: "invalid_token", scope: refusal.scope) : error
        case .unavailable(let seconds, let message):
            throw APIError(
                503, type: "server_error", code: "authentication_unavailable", message, retryAfterSeconds: seconds)
        }
    }

    /// Says with a 401 where to learn what token is wanted (RFC 9728 §5.1).
    private func challenged(_ error: APIError, error code: String? = nil, scope: String? = nil) -> APIError {
        guard let login = facts.login else { return error }
        var error = error
        var challenge = #"Bearer resource_metadata="\#(facts.apiURL)/.well-known/oauth-protected-resource""#
        if let code { challenge += #", error="\#(code)""# }
        if let scope = scope ?? login.scope { challenge += #", scope="\#(scope)""# }
        error.challenge = challenge
        return error
    }

    /// Where the token stands in the head.
    private func bearerToken(_ exchange: HTTPExchange) -> Range<Int>? {
        let bytes = exchange.headBytes
        if let value = exchange.head.first(.authorization) {
            guard value.count > 7, equalsFolded(UnsafeRawBufferPointer(rebasing: bytes[value].prefix(7)), "bearer ") else {
                return nil
            }
            var start = value.lowerBound + 7
            while start < value.upperBound, bytes[start] == 32 { start += 1 }
            return start < value.upperBound ? start..<value.upperBound : nil
        }
        return exchange.head.first(.xAPIKey).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The client's address: the connection's, or, where that is a declared proxy's, the last in `X-Forwarded-For` that is
    /// not one. What stands before that anyone may have written.
    func clientAddress(_ exchange: HTTPExchange) -> SocketAddress? {
        guard let peer = exchange.stream.remoteAddress, facts.isProxy(peer) else { return exchange.stream.remoteAddress }
        // A proxy may add to the client's field or append one of its own: the last of all is the nearest.
        let hops = exchange.texts(.xForwardedFor).flatMap { $0.split(separator: ",") }
        for hop in hops.reversed().prefix(16) {
            guard let address = SocketAddress(literal: String(hop.trimmed), port: 0) else { return nil }
            if !facts.isProxy(address) { return address }
        }
        return peer
    }

    /// Puts who asks, and what their data asks, into what is needed, having checked the rule that this node has for the whole
    /// federation. To be called for whatever leads to a model: requests, listings, batches.
    ///
    /// - Parameter dataClasses: labels that the request bears.
    func admit(_ caller: Caller?, _ needs: inout RequestNeeds, dataClasses: [String] = []) throws(APIError) {
        needs.user = caller?.user
        needs.nowSeconds = Self.nowSeconds
        needs.blocks = router.blocks.current
        needs.data = try demands(of: caller?.user.identity, dataClasses)
        guard !facts.rules.isEmpty,
            let refusal = facts.rules.refusal(of: caller?.user.identity, nowSeconds: needs.nowSeconds)
        else { return }
        router.counters.forbidden.add(1, ordering: .relaxed)
        throw APIError(403, type: "permission_error", code: "access_denied", "\(refusal)")
    }

    /// Whether the caller may use a model anywhere, with the key that was brought.
    func mayUse(_ routes: ModelRoutes, _ needs: RequestNeeds, _ caller: Caller?) -> Bool {
        if let key = caller?.key, !key.allows(model: routes.id) { return false }
        if needs.blocks?.model(routes.id, nowSeconds: needs.nowSeconds) != nil { return false }
        return routes.candidates.contains { router.choice.policyExclusion(of: $0, for: needs) == nil }
    }

    /// Holds a request to what its key may do.
    ///
    /// - Parameter tokens: an estimate of what the request will use, prompt and answer.
    func checkKey(_ caller: Caller?, model id: String, tokens: Int?) throws(APIError) {
        guard let key = caller?.key else { return }
        guard key.allows(model: id) else {
            throw APIError(
                403, type: "permission_error", code: "key_model_not_allowed", parameter: "model",
                "this key may not be used for \(id)")
        }
        let nowSeconds = Self.nowSeconds
        guard let tokens, !key.spend(tokens, nowSeconds: nowSeconds) else { return }
        throw APIError(
            429, type: "rate_limit_error", code: "key_tokens_spent",
            "this key may use \(key.limits.tokensPerDay ?? 0) tokens a day; what is left is less than the about \(tokens) that "
                + "this request asks for", retryAfterSeconds: Int(86_400 - nowSeconds % 86_400))
    }
}
