extension GlobusAuth {
    /// `GET /v2/oauth2/authorize`: logs a user in at once, the one whom `login_hint` names or the first.
    func authorize(_ request: GlobusRequest) -> GlobusAnswer {
        guard let client = settings.clients.first(where: { $0.id == request.parameter("client_id") }) else {
            return .oauth(400, "invalid_client", "unknown client_id")
        }
        let redirect = request.parameter("redirect_uri") ?? ""
        let showsCode = redirect.hasSuffix("/v2/web/auth-code")
        guard client.redirects.contains(redirect) || (showsCode && client.secret == nil) else {
            return .oauth(400, "invalid_request", "redirect_uri is not one of the client's")
        }
        let state = request.parameter("state")
        func back(_ fields: [(String, String)]) -> GlobusAnswer {
            let all = fields + (state.map { [("state", $0)] } ?? [])
            let query = all.map { "\($0.0)=\(Form.escaped($0.1))" }.joined(separator: "&")
            return .redirect(to: "\(redirect)\(redirect.contains("?") ? "&" : "?")\(query)")
        }
        func refuse(_ error: String, _ description: String) -> GlobusAnswer {
            showsCode ? .oauth(400, error, description) : back([("error", error), ("error_description", description)])
        }
        guard request.parameter("response_type") == "code" else {
            return refuse("unsupported_response_type", "response_type must be code")
        }
        let challenge = request.parameter("code_challenge")
        if challenge != nil, request.parameter("code_challenge_method") != "S256" {
            return refuse("invalid_request", "code_challenge_method must be S256")
        }
        guard challenge != nil || client.secret != nil else {
            return refuse("invalid_request", "a native application must send a code_challenge")
        }
        guard let grants = Scopes.grouped(request.parameter("scope") ?? "", clients: settings.clients), !grants.isEmpty
        else { return refuse("invalid_scope", "unknown scope") }
        let hint = request.parameter("login_hint")
        guard let user = settings.users.firstIndex(where: { hint == nil || $0.username == hint }) else {
            return refuse("access_denied", "no such user")
        }
        let code = newCode(
            AuthorizationCode(
                user: user, client: client.id, redirect: redirect, scopes: grants.flatMap(\.scopes), challenge: challenge,
                isOffline: request.parameter("access_type") == "offline", expiresAt: request.now + AuthorizationCode.seconds)
        )
        guard showsCode else { return back([("code", code)]) }
        if request.accept?.contains("application/json") == true {
            return .ok(["code": .string(code), "emulated": true])
        }
        return GlobusAnswer(
            200,
            text: """
                <!doctype html><title>meshnode-globus-emulation</title>
                <p>This is an emulation of Globus Auth. Your code:</p>
                <pre id="auth_code">\(code)</pre>

                """, contentType: "text/html; charset=utf-8")
    }
}
