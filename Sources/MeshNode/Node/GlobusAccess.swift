import API
import Globus
import Gossip
import Transport

/// What a node asks of Globus Auth: whose token it is, and logins at its own page.
struct GlobusAccess: Sendable {
    let introspector: TokenIntrospector
    let webLogin: (any WebLoginFlow)?
    private let scope: String

    /// - Throws: exit 1 and one line when the client's secret cannot be read.
    init(_ globus: GlobusConfiguration, proxy: HTTPProxy?) throws(CommandFailure) {
        let web = WebClient(globus.reach.webSettings(proxy))
        let services = globus.reach.services
        let secret = SecretSource(file: globus.secretFile, environment: globus.secretEnvironment)
        do throws(GlobusError) { _ = try secret.read() } catch {
            throw CommandFailure(exitCode: 1, message: "the secret of the Globus client cannot be read: \(error.message)")
        }
        let client = GlobusClient(clientID: globus.clientID, secret: secret.read)
        var introspection = IntrospectionSettings(client: client, scope: globus.scope)
        introspection.policies = globus.policies
        introspection.preferredDomains = globus.preferredDomains
        introspection.groups = globus.groups
        introspection.cacheSeconds = UInt64(globus.cacheSeconds)
        introspection.staleSeconds = UInt64(globus.staleSeconds)
        introspector = TokenIntrospector(settings: introspection, services: services, web: web)
        scope = introspection.scope
        let introspector = introspector
        let scope = scope
        webLogin = globus.redirectURL.map { url in
            GlobusWebLogin(
                login: WebLogin(client: client, scopes: [scope], redirectURI: url, services: services, web: web),
                policies: globus.policies
            ) { await Self.introspect($0, from: nil, introspector, scope: scope) }
        }
    }

    func introspect(_ token: [UInt8], from client: String?) async -> UserIntrospection {
        await Self.introspect(token, from: client, introspector, scope: scope)
    }

    private static func introspect(
        _ token: [UInt8], from client: String?, _ introspector: TokenIntrospector, scope: String
    ) async -> UserIntrospection {
        switch await introspector.identify(token, from: client) {
        case .active(let identity): return .active(UserIdentity(identity))
        case .refused(let refusal): return .refused(AuthenticationRefusal(refusal, scope: scope))
        case .unavailable(let seconds, let message): return .unavailable(retryAfterSeconds: seconds, message)
        }
    }
}

/// The `/login` page's way to Globus Auth and back.
private struct GlobusWebLogin: WebLoginFlow {
    let login: WebLogin
    let policies: [String]
    let introspect: @Sendable ([UInt8]) async -> UserIntrospection

    func authorizationURL(state: String, challenge: String) -> String {
        var options = LoginOptions()
        options.requiredPolicies = policies
        return login.authorizationURL(state: state, challenge: challenge, options: options)
    }

    /// The token is used once, to ask whose it is, and given back.
    func identify(code: String, verifier: String) async -> UserIntrospection {
        do throws(GlobusError) {
            let tokens = try await login.exchange(code: code, verifier: verifier)
            guard let token = tokens.first?.accessToken else {
                return .unavailable(retryAfterSeconds: 10, "Globus Auth gave no token")
            }
            let found = await introspect(Array(token.utf8))
            do throws(GlobusError) { try await login.revoke(token) } catch {}
            return found
        } catch {
            if error.mayPass {
                return .unavailable(retryAfterSeconds: error.retryAfterSeconds ?? 10, "Globus Auth cannot be asked just now")
            }
            return .refused(
                AuthenticationRefusal(status: 403, code: "login_failed", "the login was not accepted: \(error.message)"))
        }
    }
}

extension UserIdentity {
    init(_ identity: GlobusIdentity) {
        self.init(
            subject: identity.subject, username: identity.username, identityProvider: identity.identityProvider,
            domain: identity.domain, groups: identity.groups, policies: identity.policies,
            authenticatedAt: identity.authenticatedAt, isServiceAccount: identity.isServiceAccount)
    }
}

extension AuthenticationRefusal {
    init(_ refusal: GlobusRefusal, scope: String) {
        let code: String
        switch refusal.reason {
        case .malformed, .inactive: code = "invalid_token"
        case .expired: code = "token_expired"
        case .audience: code = "wrong_audience"
        case .scope: code = "insufficient_scope"
        case .policy: code = "policy_not_met"
        case .identity: code = "identity_not_usable"
        case .consent: code = "consent_required"
        }
        // Globus tells of a token for another service only that it is not active.
        let namesScope = [.audience, .scope, .inactive].contains(refusal.reason)
        let message =
            namesScope && !refusal.message.contains(scope)
            ? "\(refusal.message); a token for this node has the scope \(scope)" : refusal.message
        self.init(status: refusal.status, code: code, message, scope: namesScope ? scope : nil)
    }
}
