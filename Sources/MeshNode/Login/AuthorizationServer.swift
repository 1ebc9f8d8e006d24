import Globus
import Transport

/// Globus Auth, as a program without a secret speaks to it for one command (RFC 8252).
struct AuthorizationServer: Sendable {
    /// Scheme, host and port.
    let origin: String
    let clientID: String

    /// Why there are no tokens.
    enum Failure: Error, Equatable {
        /// The server said no: what was presented is used up, revoked or wrong.
        case refused(String)
        /// No answer, or one that says "later".
        case unavailable(String)

        var text: String {
            switch self {
            case .refused(let text), .unavailable(let text): text
            }
        }

        init(_ error: GlobusError) {
            self = error.mayPass ? .unavailable(error.message) : .refused(error.message)
        }
    }

    /// Where the code is shown for the user to copy.
    var pageForCode: String { "\(origin)/v2/web/auth-code" }

    /// What the user opens.
    func authorizationURL(
        scopes: [String], redirect: String, state: String, verifier: String, signInAnew: Bool
    ) -> String {
        var options = LoginOptions()
        options.offline = true
        if signInAnew { options.prompt = "login" }
        return login(scopes, redirect).authorizationURL(
            state: state, challenge: LoginChallenge.challenge(verifier), options: options)
    }

    /// Tokens for a code, by resource server.
    func exchange(code: String, redirect: String, verifier: String, now: Int64) throws(Failure) -> [String: StoredToken] {
        let login = login([], redirect)
        let found = try asking { () async throws(GlobusError) in try await login.exchange(code: code, verifier: verifier) }
        return StoredToken.byServer(found, now: now)
    }

    /// New tokens for a refresh token, by resource server.
    func refresh(_ token: String, now: Int64) throws(Failure) -> [String: StoredToken] {
        let login = login([], pageForCode)
        let found = try asking { () async throws(GlobusError) in try await login.refresh(token) }
        return StoredToken.byServer(found, now: now)
    }

    /// Makes a token useless.
    func revoke(_ token: String) throws(Failure) {
        let login = login([], pageForCode)
        try asking { () async throws(GlobusError) in try await login.revoke(token) }
    }

    private func login(_ scopes: [String], _ redirect: String) -> NativeLogin {
        NativeLogin(
            clientID: clientID, scopes: scopes, redirectURI: redirect, services: GlobusServices(everythingAt: origin),
            web: Calls.client(for: origin))
    }

    private func asking<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(GlobusError) -> Value
    ) throws(Failure) -> Value {
        do throws(GlobusError) {
            return try Blocking.run(work)
        } catch { throw Failure(error) }
    }
}

extension StoredToken {
    /// Tokens as they were given out just now.
    fileprivate static func byServer(_ tokens: [GlobusToken], now: Int64) -> [String: StoredToken] {
        tokens.reduce(into: [:]) { found, token in
            found[token.resourceServer] = StoredToken(
                accessToken: token.accessToken, refreshToken: token.refreshToken, scope: token.scope,
                expires: now + Int64(clamping: token.expiresInSeconds))
        }
    }
}
