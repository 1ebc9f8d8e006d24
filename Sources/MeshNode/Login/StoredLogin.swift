/// Everything that `meshnode login` keeps: a login a federation.
struct StoredLogins: Codable, Equatable, Sendable {
    static let currentVersion = 1

    var version = currentVersion
    /// By the federation's name.
    var federations: [String: FederationLogin] = [:]
}

/// A login at one federation.
struct FederationLogin: Codable, Equatable, Sendable {
    /// The node that the login was made by, as the user wrote it.
    var node: String
    /// The site of that node.
    var site: String
    var authorizationServer: String
    var clientID: String
    var sites: [SiteScope]
    /// By resource server: Globus Auth gives one token for each.
    var tokens: [String: StoredToken]
}

/// An access token, and what a new one is had for.
struct StoredToken: Codable, Equatable, Sendable {
    var accessToken: String
    var refreshToken: String?
    /// Words separated by spaces (RFC 6749 §3.3).
    var scope: String
    /// Seconds since 1970.
    var expires: Int64

    /// Less than this many seconds before its end a token is renewed.
    static let renewalSeconds: Int64 = 600

    func needsRenewal(now: Int64) -> Bool { expires - now < Self.renewalSeconds }
    func isValid(now: Int64) -> Bool { expires > now }
    func covers(_ wanted: String) -> Bool { scope.split(separator: " ").contains { $0 == wanted } }
}

extension FederationLogin {
    /// The site that a node is of. Only what the federation's own nodes said at login counts, not what the node asked
    /// about says of itself: it could claim another site's scope to be sent that site's tokens.
    func site(of node: String) -> SiteScope? {
        guard let origin = WebAddress(node)?.origin else { return nil }
        return sites.first { $0.apis.contains { WebAddress($0)?.origin == origin } }
    }

    /// The site of the node that the login was made by.
    var ownSite: SiteScope? { site(of: node) ?? sites.first { $0.site == site } }

    /// The resource server whose token has a scope.
    func resourceServer(for scope: String) -> String? {
        tokens.filter { $0.value.covers(scope) }.map(\.key).min()
    }

    /// The sites for which there is no token.
    var sitesWithout: [String] { sites.filter { resourceServer(for: $0.scope) == nil }.map(\.site) }
}

/// Which token is wanted.
struct LoginChoice: Equatable, Sendable {
    var federation: String
    var login: FederationLogin
    var site: SiteScope
}

extension StoredLogins {
    /// Finds the login for a node, or for a federation, or the only one there is.
    ///
    /// - Returns: nil for a node that no login knows.
    /// - Throws: if there is none, or it is not clear which.
    func choose(node: String?, federation: String?) throws(CommandFailure) -> LoginChoice? {
        guard !federations.isEmpty else {
            throw CommandFailure(exitCode: 1, message: "not logged in; run: meshnode login --node \(node ?? "URL")")
        }
        var candidates = federations.sorted { $0.key < $1.key }
        if let federation {
            candidates = candidates.filter { $0.key == federation }
            guard !candidates.isEmpty else {
                let known = federations.keys.sorted().map { Quoting.cut($0) }.joined(separator: ", ")
                throw CommandFailure(
                    exitCode: 1,
                    message: "not logged in at federation \(Quoting.excerpt(federation)); logged in at: \(known)")
            }
        }
        if let node {
            let found = candidates.compactMap { name, login in
                login.site(of: node).map { LoginChoice(federation: name, login: login, site: $0) }
            }
            return found.first
        }
        guard candidates.count == 1, let (name, login) = candidates.first else {
            let known = candidates.map { Quoting.cut($0.key) }.joined(separator: ", ")
            throw CommandFailure(
                exitCode: 1, message: "logged in at several federations (\(known)): say which by --node or --federation")
        }
        guard let site = login.ownSite else {
            throw CommandFailure(
                exitCode: 1,
                message: "the login at \(Quoting.cut(name)) knows no site; run: meshnode login --force --node \(login.node)")
        }
        return LoginChoice(federation: name, login: login, site: site)
    }
}
