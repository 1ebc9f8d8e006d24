import Transport
import Trust

/// What a login asks for, beside its scopes.
public struct LoginOptions: Sendable {
    /// `login` makes users log in again even when a session is there.
    public var prompt: String?
    /// Identity providers' domains, one of which the session must have.
    public var requiredDomains: [String] = []
    /// Policies that the session must meet.
    public var requiredPolicies: [String] = []
    /// Told to the user on the page.
    public var message: String?
    /// A refresh token is wanted too.
    public var offline = false

    public init() {}
}

/// The authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636), for both kinds of clients.
struct LoginFlow: Sendable {
    let service: AuthService
    let clientID: String
    let credentials: AuthService.Credentials
    let redirectURI: String
    let scopes: [String]

    func authorizationURL(state: String, challenge: String, _ options: LoginOptions) -> String {
        var query = [
            ("client_id", clientID), ("redirect_uri", redirectURI), ("scope", scopes.joined(separator: " ")),
            ("state", state),
            ("response_type", "code"), ("code_challenge", challenge), ("code_challenge_method", "S256"),
            ("access_type", options.offline ? "offline" : "online"),
        ]
        if let prompt = options.prompt { query.append(("prompt", prompt)) }
        if !options.requiredDomains.isEmpty {
            query.append(("session_required_single_domain", options.requiredDomains.joined(separator: ",")))
        }
        if !options.requiredPolicies.isEmpty {
            query.append(("session_required_policies", options.requiredPolicies.joined(separator: ",")))
        }
        if let message = options.message { query.append(("session_message", message)) }
        return "\(service.services.auth)/v2/oauth2/authorize?\(FormBody.encode(query))"
    }

    func exchange(code: String, verifier: String) async throws(GlobusError) -> [GlobusToken] {
        try await tokens([
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirectURI), ("code_verifier", verifier),
        ])
    }

    func refresh(_ refreshToken: String) async throws(GlobusError) -> [GlobusToken] {
        try await tokens([("grant_type", "refresh_token"), ("refresh_token", refreshToken)])
    }

    func revoke(_ token: String) async throws(GlobusError) {
        _ = try await service.post("/v2/oauth2/token/revoke", own + [("token", token)], credentials)
    }

    private func tokens(_ form: [(String, String)]) async throws(GlobusError) -> [GlobusToken] {
        let tokens = GlobusToken.all(try await service.post("/v2/oauth2/token", own + form, credentials))
        guard !tokens.isEmpty else { throw GlobusError(.protocolViolation, "Globus Auth answered without a token") }
        return tokens
    }

    private var own: [(String, String)] {
        if case .publicClient = credentials { [("client_id", clientID)] } else { [] }
    }
}

/// PKCE's two halves.
public enum LoginChallenge {
    /// 43 characters that cannot be guessed.
    public static func verifier() -> String { Trust.Random.token() }

    /// `S256`: base64url of the SHA-256 of the verifier.
    public static func challenge(_ verifier: String) -> String {
        Base64.encodeURL(Trust.Digest.sha256(Array(verifier.utf8)))
    }
}
