import Gossip
import Routing
import Storage
import Transport

extension NodeAPI {
    private func keyStore(_ call: Call) throws(APIError) -> (keys: KeyStore, caller: Caller) {
        guard let keys = facts.keys, let caller = call.caller else {
            throw APIError(404, code: "keys_disabled", "this node has no API keys")
        }
        guard caller.key == nil else {
            throw APIError(
                403, type: "permission_error", code: "key_not_enough",
                "an API key cannot look after API keys; use the token of a login")
        }
        return (keys, caller)
    }

    /// `/v1/keys`.
    func keys(_ call: Call) async throws(APIError) {
        if call.exchange.head.method == .post { try await makeKey(call) } else { try await listKeys(call) }
    }

    /// `POST /v1/keys`: makes a key for the caller, shown this once.
    private func makeKey(_ call: Call) async throws(APIError) {
        let (keys, caller) = try keyStore(call)
        let body: Range<Int>
        do throws(HTTPSyntaxError) {
            body = try await call.exchange.readBody(limit: KeyOrder.bodyBytes)
        } catch { throw APIError(error) }
        let order = try KeyOrder(json: Array(call.exchange.headBytes[body]))
        // A federation that does not admit the user gives no keys either.
        var needs = RequestNeeds(model: "")
        try admit(caller, &needs)
        let made = try await keys.make(order, for: caller.user.identity, nowSeconds: Self.nowSeconds)
        facts.audit?.record(
            .operator, actor: caller.name, subject: "key \(made.key.id)",
            detail: "made, until \(Timestamp.text(seconds: made.key.expiresAt))")
        control.log(.info, "key \(made.key.id) made by \(caller.name)")
        await call.json(
            JSONWriter.object {
                $0.field("key", made.text)
                describe(made.key, &$0)
            }, status: 201)
    }

    /// `GET /v1/keys`: the caller's own; with `?all=true`, for operators, everyone's.
    private func listKeys(_ call: Call) async throws(APIError) {
        let (keys, caller) = try keyStore(call)
        let all = call.exchange.query("all") == "true"
        if all, caller.role < .operate {
            throw APIError(
                403, type: "permission_error", code: "role_too_low", "the keys of all are for operators; leave out `all`")
        }
        let found = keys.list(of: all ? nil : caller.user.identity.subject)
        await call.json(
            JSONWriter.object { root in
                root.field("object", "list")
                root.key("data")
                root.array { list in
                    for key in found { list.object { describe(key, &$0) } }
                }
            })
    }

    /// `DELETE /v1/keys/{id}`: one's own; operators anyone's.
    func revokeKey(_ call: Call) async throws(APIError) {
        let (keys, caller) = try keyStore(call)
        let id = String(call.exchange.path.dropFirst("/v1/keys/".count))
        let owner = caller.role >= .operate ? nil : caller.user.identity.subject
        guard let key = try await keys.revoke(id, of: owner) else {
            throw APIError(404, code: "key_not_found", "you have no key \(id.prefix(64)) here")
        }
        facts.audit?.record(
            .operator, actor: caller.name, subject: "key \(key.id)",
            detail: "revoked, of \(key.owner.current.user.identity.username)")
        control.log(.info, "key \(key.id) of \(key.owner.current.user.identity.username) revoked by \(caller.name)")
        await call.json(
            JSONWriter.object {
                $0.field("id", key.id)
                $0.field("object", "key")
                $0.field("deleted", true)
            })
    }

    func describe(_ key: APIKey, _ writer: inout JSONWriter) {
        let used = key.used
        let today = Self.nowSeconds / 86_400
        writer.field("id", key.id)
        writer.field("object", "key")
        writer.field("name", key.name)
        writer.field("owner", key.owner.current.user.identity.username)
        writer.field("createdAt", Timestamp.text(seconds: key.createdAt))
        writer.field("expiresAt", Timestamp.text(seconds: key.expiresAt))
        writer.field("lastUsedAt", used.lastUsedAt == 0 ? nil : Timestamp.text(seconds: used.lastUsedAt))
        writer.key("models")
        if let models = key.limits.models {
            writer.array { for model in models { $0.value(model) } }
        } else {
            writer.value(nil as String?)
        }
        writer.field("project", key.limits.project)
        writer.field("tokensPerDay", key.limits.tokensPerDay)
        writer.field("tokensToday", used.day == today ? used.tokens : 0)
        writer.key("networks")
        if let networks = key.limits.networks {
            writer.array { for network in networks { $0.value(network) } }
        } else {
            writer.value(nil as String?)
        }
    }
}
