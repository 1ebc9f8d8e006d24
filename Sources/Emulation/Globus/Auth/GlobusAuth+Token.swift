import Trust

extension GlobusAuth {
    /// `POST /v2/oauth2/token`: each of the grants that Globus Auth knows.
    func token(_ request: GlobusRequest) -> GlobusAnswer {
        let form = Form.read(request.body)
        guard let client = client(request, form) else { return .oauth(401, "invalid_client") }
        let fields = Dictionary(form, uniquingKeysWith: { first, _ in first })
        switch fields["grant_type"] {
        case "client_credentials": return clientCredentials(client, fields, now: request.now)
        case "urn:globus:auth:grant_type:dependent_token": return dependentTokens(client, fields, now: request.now)
        case "authorization_code": return exchange(client, fields, now: request.now)
        case "refresh_token": return refresh(client, fields, now: request.now)
        case nil: return .oauth(400, "invalid_request", "grant_type is missing")
        case .some: return .oauth(400, "unsupported_grant_type")
        }
    }

    /// The first token is the object, the others are inside it.
    private func together(_ tokens: [JSONValue]) -> GlobusAnswer {
        guard case .object(var members)? = tokens.first else { return .oauth(400, "invalid_scope") }
        members.append(JSONMember(name: "other_tokens", value: .array(Array(tokens.dropFirst()))))
        return .ok(.object(members))
    }

    private func clientCredentials(
        _ client: GlobusEmulationSettings.Client, _ fields: [String: String], now: Double
    ) -> GlobusAnswer {
        guard client.secret != nil else { return .oauth(400, "unauthorized_client") }
        guard let grants = Scopes.grouped(fields["scope"] ?? "", clients: settings.clients), !grants.isEmpty else {
            return .oauth(400, "invalid_scope", "unknown scope")
        }
        return together(issue(grants, holder: .client(client.id), client: client.id, withRefresh: false, now: now))
    }

    /// Tokens for what a resource server asks of others on the holder's behalf: Groups, as in each scope here.
    private func dependentTokens(
        _ client: GlobusEmulationSettings.Client, _ fields: [String: String], now: Double
    ) -> GlobusAnswer {
        guard client.secret != nil, let token = token(fields["token"], of: client.id, now: now) else {
            return .oauth(400, "invalid_grant")
        }
        let asked = fields["scope"].map { $0.split(separator: " ").map(String.init) } ?? [Scopes.groups]
        guard asked.allSatisfy({ $0 == Scopes.groups }) else { return .oauth(400, "invalid_scope", "not a dependency") }
        return .ok(
            .array(
                issue(
                    [(Scopes.groupsServer, [Scopes.groups])], holder: token.holder, client: client.id,
                    withRefresh: fields["access_type"] == "offline", now: now)))
    }

    private func exchange(
        _ client: GlobusEmulationSettings.Client, _ fields: [String: String], now: Double
    ) -> GlobusAnswer {
        // A code is good once, whatever comes of it.
        guard let text = fields["code"], let code = codes.removeValue(forKey: text), code.expiresAt > now,
            code.client == client.id
        else { return .oauth(400, "invalid_grant", "the code is unknown, used, too old or another client's") }
        guard fields["redirect_uri"] == code.redirect else { return .oauth(400, "invalid_grant", "redirect_uri differs") }
        if let challenge = code.challenge {
            guard let verifier = fields["code_verifier"], (43...128).contains(verifier.utf8.count),
                Base64.encodeURL(Digest.sha256(Array(verifier.utf8))) == challenge
            else { return .oauth(400, "invalid_grant", "code_verifier does not fit") }
        } else if fields["code_verifier"] != nil {
            return .oauth(400, "invalid_grant", "no code_challenge was sent")
        }
        guard let grants = Scopes.grouped(code.scopes.joined(separator: " "), clients: settings.clients) else {
            return .oauth(400, "invalid_scope")
        }
        return together(
            issue(grants, holder: .user(code.user), client: client.id, withRefresh: code.isOffline, now: now))
    }

    private func refresh(
        _ client: GlobusEmulationSettings.Client, _ fields: [String: String], now: Double
    ) -> GlobusAnswer {
        guard let text = fields["refresh_token"], let right = refreshTokens[text], right.client == client.id else {
            return .oauth(400, "invalid_grant")
        }
        var tokens = issue(
            [(right.resourceServer, right.scopes)], holder: right.holder, client: client.id, withRefresh: false, now: now)
        if case .object(var members)? = tokens.first {
            members.append(JSONMember(name: "refresh_token", value: .string(text)))
            tokens = [.object(members)]
        }
        return together(tokens)
    }

    /// `POST /v2/oauth2/token/revoke` (RFC 7009): also of a token that is not there.
    func revoke(_ request: GlobusRequest) -> GlobusAnswer {
        let form = Form.read(request.body)
        guard let client = client(request, form) else { return .oauth(401, "invalid_client") }
        if let text = form.first(where: { $0.0 == "token" })?.1,
            tokens[text]?.client == client.id || tokens[text]?.resourceServer == client.id
                || refreshTokens[text]?.client == client.id
        {
            revoke(text)
        }
        return .ok(["active": false])
    }
}
