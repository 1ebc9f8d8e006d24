extension GlobusAuth {
    /// `POST /v2/oauth2/token/introspect` (RFC 7662 with Globus Auth's additions).
    func introspect(_ request: GlobusRequest) -> GlobusAnswer {
        let form = Form.read(request.body)
        guard let client = client(request, form), client.secret != nil else { return .oauth(401, "invalid_client") }
        let fields = Dictionary(form, uniquingKeysWith: { first, _ in first })
        // A client sees the tokens of its own resource server alone.
        guard let text = fields["token"], let token = token(text, of: client.id, now: request.now) else {
            return .ok(["active": false])
        }
        let included = Set((fields["include"] ?? "").split(separator: ",").map(String.init))
        let policies = (fields["authentication_policies"] ?? "").split(separator: ",").map(String.init)
        let person = Person(token.holder, in: self)
        var members: [(String, JSONValue)] = [
            ("active", true), ("token_type", "Bearer"), ("scope", .string(token.scopes.joined(separator: " "))),
            ("client_id", .string(token.client)), ("sub", .string(person.sub)), ("username", .string(person.username)),
            ("name", .optional(person.name)), ("email", .optional(person.email)), ("exp", JSONValue(Int(token.expiresAt))),
            ("iat", JSONValue(Int(token.issuedAt))), ("nbf", JSONValue(Int(token.issuedAt))),
            ("iss", "https://auth.globus.org"),
            ("aud", .array([.string(client.id), .string(token.client)])),
            ("dependent_tokens_cache_id", .string("\(person.sub)-\(client.id)")),
        ]
        if included.contains("identity_set") { members.append(("identity_set", [.string(person.sub)])) }
        if included.contains("identity_set_detail") { members.append(("identity_set_detail", [person.identity])) }
        if included.contains("session_info") { members.append(("session_info", person.session)) }
        if !policies.isEmpty {
            let held = person.policies.filter { policies.contains($0.0) }
            members.append(
                (
                    "policy_evaluations",
                    .object(held.map { JSONMember(name: $0.0, value: ["evaluation": .bool($0.1)]) })
                ))
        }
        return .ok(.object(members.map { JSONMember(name: $0.0, value: $0.1) }))
    }

    /// `GET /v2/oauth2/userinfo` (OpenID Connect Core §5.3).
    func userInfo(_ request: GlobusRequest) -> GlobusAnswer {
        guard let token = token(request.bearer, of: Scopes.authServer, now: request.now) else {
            return .oauth(401, "invalid_token")
        }
        guard token.scopes.contains("openid") else { return .oauth(403, "insufficient_scope") }
        let person = Person(token.holder, in: self)
        return .ok([
            "sub": .string(person.sub), "preferred_username": .string(person.username), "name": .optional(person.name),
            "email": .optional(person.email), "identity_provider": .string(person.identityProvider),
            "identity_provider_display_name": .string(person.identityProviderName),
            "last_authentication": person.authenticatedAt.map { JSONValue($0) } ?? .null,
        ])
    }
}

/// A token's holder as Globus Auth describes one.
struct Person {
    var sub: String
    var username: String
    var name: String?
    var email: String?
    var identityProvider: String
    var identityProviderName: String
    /// That of the linked identity.
    var identityUsername: String
    /// Seconds since 1970; nil for a service account, which never logs in.
    var authenticatedAt: Int?
    var policies: [(String, Bool)]

    init(_ holder: TokenHolder, in auth: GlobusAuth) {
        switch holder {
        case .user(let index):
            let user = auth.settings.users[index]
            sub = user.sub
            username = user.username
            name = user.name
            email = user.username.contains("@") ? user.username : nil
            identityProvider = user.identityProvider
            identityProviderName = user.identityProviderName
            identityUsername = user.domain.map { "\(user.username.prefix { $0 != "@" })@\($0)" } ?? user.username
            authenticatedAt = auth.authenticatedAt(user)
            policies = user.policies
        case .client(let id):
            sub = id
            username = "\(id)@clients.auth.globus.org"
            name = "Service account \(id.prefix(8))"
            email = nil
            identityProvider = "3a7ea4ec-0000-4000-8000-000000000000"
            identityProviderName = "Globus Auth clients"
            identityUsername = username
            authenticatedAt = nil
            policies = []
        }
    }

    var identity: JSONValue {
        [
            "status": "used", "identity_type": "login", "id": .string(sub), "organization": nil,
            "last_authentication": authenticatedAt.map { JSONValue($0) } ?? .null, "sub": .string(sub),
            "username": .string(identityUsername), "name": .optional(name), "email": .optional(email),
            "identity_provider": .string(identityProvider),
            "identity_provider_display_name": .string(identityProviderName),
        ]
    }

    var session: JSONValue {
        var authentications: [JSONMember] = []
        if let authenticatedAt {
            authentications.append(
                JSONMember(
                    name: sub,
                    value: [
                        "auth_time": JSONValue(authenticatedAt), "custom_claims": [:], "acr": nil, "amr": nil,
                        "idp": .string(identityProvider),
                    ]))
        }
        return [
            "session_id": .string("5e551000-0000-4000-8000-\(sub.suffix(12))"), "authentications": .object(authentications),
        ]
    }
}
