import Glibc

/// `meshnode token`: one access token on standard output, for `OPENAI_API_KEY=$(meshnode token)`.
enum TokenCommand {
    private struct Answer: Encodable {
        var token: String
        var federation: String
        var site: String
        var scope: String
        var expires: String
        var expiresInSeconds: Int64
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let keeper = TokenKeeper(store: try TokenStore.own())
        let issued = try keeper.token(
            node: invocation.text(.node), federation: invocation.text(.federation), renewed: invocation.flag(.force))
        let now = keeper.now()
        if let warning = issued.warning { Output.note(warning) }
        guard invocation.flag(.json) else {
            Output.note(Lifetime.sentence(of: issued.token, now: now))
            return Output.write(issued.token.accessToken + "\n")
        }
        Output.write(
            try encode(
                Answer(
                    token: issued.token.accessToken, federation: issued.choice.federation, site: issued.choice.site.site,
                    scope: issued.choice.site.scope, expires: Lifetime.moment(issued.token.expires),
                    expiresInSeconds: issued.token.expires - now)))
    }
}

/// `meshnode logout`: takes the tokens back at the authorization server, then forgets them.
enum LogoutCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let wanted = invocation.text(.federation)
        let ended = try TokenStore.own().update { (logins) throws(CommandFailure) -> [String: FederationLogin] in
            let ended = logins.federations.filter { wanted ?? $0.key == $0.key }
            for name in ended.keys { logins.federations[name] = nil }
            return ended
        }
        guard !ended.isEmpty else {
            throw CommandFailure(exitCode: 1, message: "not logged in\(wanted.map { " at \($0)" } ?? "")")
        }
        for (name, login) in ended.sorted(by: { $0.key < $1.key }) {
            let server = AuthorizationServer(origin: login.authorizationServer, clientID: login.clientID)
            // The refresh token first: with it others could be had.
            let secrets = login.tokens.values.compactMap(\.refreshToken) + login.tokens.values.map(\.accessToken)
            do throws(AuthorizationServer.Failure) {
                for secret in secrets { try server.revoke(secret) }
                Output.write("logged out of \(Quoting.cut(name))\n")
            } catch {
                Output.write("logged out of \(Quoting.cut(name))\n")
                Output.note("the tokens are deleted here but not revoked, and end by themselves: \(error.text)")
            }
        }
    }
}
