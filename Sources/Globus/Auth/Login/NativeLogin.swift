public import Transport

/// A login of a user by a program on the user's own machine: a public client without a secret.
public struct NativeLogin: Sendable {
    private let flow: LoginFlow

    /// - Parameter redirectURI: where the browser comes back, as registered: `http://localhost:PORT` or
    ///   `https://auth.globus.org/v2/web/auth-code`, which shows the code to copy.
    public init(clientID: String, scopes: [String], redirectURI: String, services: GlobusServices, web: WebClient) {
        flow = LoginFlow(
            service: AuthService(services: services, web: web), clientID: clientID, credentials: .publicClient,
            redirectURI: redirectURI, scopes: scopes)
    }

    /// - Parameter challenge: of `LoginChallenge.challenge`.
    public func authorizationURL(state: String, challenge: String, options: LoginOptions = LoginOptions()) -> String {
        flow.authorizationURL(state: state, challenge: challenge, options)
    }

    /// The tokens of all resource servers whose scopes were granted.
    public func exchange(code: String, verifier: String) async throws(GlobusError) -> [GlobusToken] {
        try await flow.exchange(code: code, verifier: verifier)
    }

    public func refresh(_ refreshToken: String) async throws(GlobusError) -> [GlobusToken] {
        try await flow.refresh(refreshToken)
    }

    public func revoke(_ token: String) async throws(GlobusError) { try await flow.revoke(token) }
}

/// A login on a page of ours: a confidential client.
public struct WebLogin: Sendable {
    private let flow: LoginFlow

    /// - Parameter redirectURI: the page where the browser comes back, as registered.
    public init(client: GlobusClient, scopes: [String], redirectURI: String, services: GlobusServices, web: WebClient) {
        flow = LoginFlow(
            service: AuthService(services: services, web: web), clientID: client.clientID,
            credentials: .confidential(client), redirectURI: redirectURI, scopes: scopes)
    }

    public func authorizationURL(state: String, challenge: String, options: LoginOptions = LoginOptions()) -> String {
        flow.authorizationURL(state: state, challenge: challenge, options)
    }

    /// The tokens of all resource servers whose scopes were granted; pick by `resourceServer`.
    public func exchange(code: String, verifier: String) async throws(GlobusError) -> [GlobusToken] {
        try await flow.exchange(code: code, verifier: verifier)
    }

    public func revoke(_ token: String) async throws(GlobusError) { try await flow.revoke(token) }
}
