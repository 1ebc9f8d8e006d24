import Glibc

/// Gives out the stored tokens, renewed when they near their end.
struct TokenKeeper {
    let store: TokenStore
    /// Seconds since 1970.
    var now: () -> Int64 = { Int64(time(nil)) }
    /// Asks for new tokens, by a refresh token and the time.
    var refresh: (FederationLogin, String, Int64) throws(AuthorizationServer.Failure) -> [String: StoredToken] = {
        (login, token, now) throws(AuthorizationServer.Failure) in
        try AuthorizationServer(origin: login.authorizationServer, clientID: login.clientID).refresh(token, now: now)
    }
    var discover: (String) throws(CommandFailure) -> NodeDiscovery = NodeDiscovery.fetch

    /// A token to be used now.
    struct Issued: Equatable {
        var choice: LoginChoice
        var token: StoredToken
        /// Why it is not as good as it could be.
        var warning: String?
    }

    /// The token for a node, for a federation, or the only one.
    ///
    /// - Parameter renewed: even if there is much time left.
    func token(node: String?, federation: String?, renewed: Bool = false) throws(CommandFailure) -> Issued {
        let choice = try choose(node: node, federation: federation)
        guard let (resource, token) = choice.token else { throw Self.withoutConsent(choice) }
        if !renewed && !token.needsRenewal(now: now()) { return Issued(choice: choice, token: token) }
        // Decided again with the lock held: another command may have renewed it meanwhile.
        return try store.update { (logins) throws(CommandFailure) -> Issued in
            let login = logins.federations[choice.federation]
            guard let current = login?.tokens[resource], let login else {
                throw Self.loginAgain(choice, "it was deleted meanwhile")
            }
            var choice = choice
            choice.login = login
            if current != token && !current.needsRenewal(now: now()) { return Issued(choice: choice, token: current) }
            let (renewed, warning) = try renew(current, resource, choice)
            choice.login.tokens[resource] = renewed
            logins.federations[choice.federation] = choice.login
            return Issued(choice: choice, token: renewed, warning: warning)
        }
    }

    private func renew(
        _ token: StoredToken, _ resource: String, _ choice: LoginChoice
    ) throws(CommandFailure) -> (StoredToken, warning: String?) {
        guard let refreshToken = token.refreshToken else {
            guard token.isValid(now: now()) else { throw Self.loginAgain(choice, "its token has expired") }
            return (token, "this token cannot be renewed; log in again before it ends")
        }
        do throws(AuthorizationServer.Failure) {
            let found = try refresh(choice.login, refreshToken, now())
            guard var fresh = found[resource] ?? (found.count == 1 ? found.values.first : nil) else {
                throw .unavailable("the authorization server sends another service's token")
            }
            // A refresh token that is not replaced goes on (RFC 6749 §6), and so does the scope (§5.1).
            if fresh.refreshToken == nil { fresh.refreshToken = refreshToken }
            if fresh.scope.isEmpty { fresh.scope = token.scope }
            guard fresh.covers(choice.site.scope) else { throw .refused("the scope was taken back") }
            return (fresh, nil)
        } catch {
            switch error {
            case .refused(let reason): throw Self.loginAgain(choice, reason)
            case .unavailable(let reason):
                guard token.isValid(now: now()) else { throw CommandFailure(exitCode: 1, message: reason) }
                return (token, "not renewed: \(reason)")
            }
        }
    }

    // MARK: Which one

    /// A node that no login knows may be new: then a node that is known tells of it.
    private func choose(node: String?, federation: String?) throws(CommandFailure) -> LoginChoice {
        if let choice = try store.read().choose(node: node, federation: federation) { return choice }
        if let choice = try learn(node: node, federation: federation) { return choice }
        throw CommandFailure(
            exitCode: 1, message: "no login is known to be for \(node ?? "it"); run: meshnode login --node \(node ?? "URL")")
    }

    /// Known nodes of a federation that are asked at most.
    private static let nodesAsked = 3

    private func learn(node: String?, federation: String?) throws(CommandFailure) -> LoginChoice? {
        for (name, login) in try store.read().federations.sorted(by: { $0.key < $1.key }) where federation ?? name == name {
            let known = [login.node] + login.sites.flatMap(\.apis).filter { $0 != login.node }
            for address in known.prefix(Self.nodesAsked) {
                guard let found = try? discover(address), found.federation == name,
                    let (server, client, sites) = try? found.login(at: address), server == login.authorizationServer,
                    client == login.clientID
                else { continue }
                let choice = try store.update { (logins) throws(CommandFailure) -> LoginChoice? in
                    logins.federations[name]?.learn(sites)
                    return try logins.choose(node: node, federation: name)
                }
                if let choice { return choice }
                break
            }
        }
        return nil
    }

    // MARK: What to do

    private static func withoutConsent(_ choice: LoginChoice) -> CommandFailure {
        CommandFailure(
            exitCode: 1,
            message: "the login at \(Quoting.cut(choice.federation)) is not for site \(Quoting.cut(choice.site.site)); "
                + "run: meshnode login --force --node \(choice.login.node)")
    }

    private static func loginAgain(_ choice: LoginChoice, _ reason: String) -> CommandFailure {
        CommandFailure(
            exitCode: 1,
            message: "the login at \(Quoting.cut(choice.federation)) has ended (\(reason)); "
                + "run: meshnode login --node \(choice.login.node)")
    }
}

extension LoginChoice {
    /// The token of the wanted scope, and its resource server.
    var token: (resource: String, StoredToken)? {
        guard let resource = login.resourceServer(for: site.scope), let token = login.tokens[resource] else { return nil }
        return (resource, token)
    }
}

extension FederationLogin {
    /// Takes over what the federation's nodes say now. The address that the login was made by stays known: it may be one
    /// that only this user has, such as a tunnel's.
    mutating func learn(_ sites: [SiteScope]) {
        self.sites = sites
        guard site(of: node) == nil, let own = sites.firstIndex(where: { $0.site == site }) else { return }
        self.sites[own].apis.append(node)
    }
}

extension NodeDiscovery {
    /// Time for a node to say what it is, in seconds.
    static let timeoutSeconds: Double = 10

    /// Asks a node.
    static func fetch(_ node: String) throws(CommandFailure) -> NodeDiscovery {
        let answer = try NodeClient(node: node, token: nil).fetch(path)
        guard answer.status == 200 else {
            throw CommandFailure(
                exitCode: 1, message: "\(node) answers \(answer.status) to GET \(path): is it a MeshNode of this version?")
        }
        return try read(answer.body, from: node)
    }
}
