import Glibc
import Globus
import Trust

/// `meshnode login`: consent for all sites of a federation at once, in the user's browser; tokens kept for later commands.
enum LoginCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let store = try TokenStore.own()
        let node = try node(invocation, store)
        let discovery = try NodeDiscovery.fetch(node)
        let (server, client, sites) = try discovery.login(at: node)
        var login = FederationLogin(
            node: node, site: discovery.site, authorizationServer: server, clientID: client, sites: [], tokens: [:])
        login.learn(sites)
        let keeper = TokenKeeper(store: store)
        if !invocation.flag(.force), let known = try keep(login, discovery.federation, store) {
            let issued = try? keeper.token(node: node, federation: discovery.federation)
            if let issued {
                return Output.write(
                    "already logged in at \(Quoting.cut(discovery.federation)), \(known) sites; the token is "
                        + "\(Lifetime.sentence(of: issued.token, now: keeper.now()))\n--force logs in anew\n")
            }
        }
        login.tokens = try tokens(login, invocation, now: keeper.now)
        let made = login
        try store.update { (logins) throws(CommandFailure) in logins.federations[discovery.federation] = made }
        report(discovery.federation, login, store, now: keeper.now())
    }

    /// `--node`, or the node of the login there is.
    private static func node(_ invocation: Invocation, _ store: TokenStore) throws(CommandFailure) -> String {
        if let node = invocation.text(.node) { return node }
        let known = try store.read().federations.values.map(\.node)
        return known.count == 1 ? known[0] : CallerCredential.ownNode
    }

    /// Keeps a login that has tokens for every site, with what its nodes say now.
    ///
    /// - Returns: the number of its sites; nil where a new login is needed.
    private static func keep(
        _ login: FederationLogin, _ federation: String, _ store: TokenStore
    ) throws(CommandFailure) -> Int? {
        try store.update { (logins) throws(CommandFailure) -> Int? in
            guard let old = logins.federations[federation], old.authorizationServer == login.authorizationServer,
                old.clientID == login.clientID
            else { return nil }
            var kept = login
            kept.tokens = old.tokens
            guard kept.sitesWithout.isEmpty else { return nil }
            logins.federations[federation] = kept
            return kept.sites.count
        }
    }

    // MARK: The browser's way

    private static func tokens(
        _ login: FederationLogin, _ invocation: Invocation, now: () -> Int64
    ) throws(CommandFailure) -> [String: StoredToken] {
        let server = AuthorizationServer(origin: login.authorizationServer, clientID: login.clientID)
        let (verifier, state) = (LoginChallenge.verifier(), Random.token())
        let scopes = login.sites.map(\.scope).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        func url(_ redirect: String) -> String {
            server.authorizationURL(
                scopes: scopes, redirect: redirect, state: state, verifier: verifier, signInAnew: invocation.flag(.force))
        }
        let (code, redirect): (String, String)
        if invocation.flag(.local) {
            let receiver = try LoopbackReceiver()
            redirect = receiver.redirect
            show(url(redirect), invocation)
            Output.write("waiting for the browser of this machine; Ctrl-C gives up\n")
            code = try receiver.code(state: state)
        } else {
            redirect = server.pageForCode
            show(url(redirect), invocation)
            Output.write("Then paste the code that the page shows: ")
            code = try pastedCode(state: state)
        }
        do throws(AuthorizationServer.Failure) {
            return try server.exchange(code: code, redirect: redirect, verifier: verifier, now: now())
        } catch { throw CommandFailure(exitCode: 1, message: "no tokens: \(error.text)") }
    }

    private static func show(_ url: String, _ invocation: Invocation) {
        Output.write("Open this page, in any browser, and log in:\n\n\(url)\n\n")
        if !invocation.flag(.noBrowser) && Browser.isHere && Browser.open(url) {
            Output.write("(Opened in your browser.)\n\n")
        }
    }

    private static func pastedCode(state: String) throws(CommandFailure) -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        // Byte by byte: what follows the line is not ours.
        while line.count <= Redirect.pastedBytes {
            let count = Glibc.read(0, &byte, 1)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 || byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        if isatty(0) == 0 { Output.write("\n") }
        let text = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        switch Redirect.read(pasted: text, state: state) {
        case .code(let code): return code
        case .refused(let reason): throw CommandFailure(exitCode: 1, message: "the login was refused: \(reason)")
        case .foreign:
            let what = text.isEmpty ? "no code was given" : "this is no code of this login"
            throw CommandFailure(exitCode: 1, message: "\(what); run meshnode login again")
        }
    }

    private static func report(_ federation: String, _ login: FederationLogin, _ store: TokenStore, now: Int64) {
        let missing = login.sitesWithout
        let sites = login.sites.map(\.site).filter { !missing.contains($0) }
        var text =
            "logged in at \(Quoting.cut(federation)), for: \(sites.isEmpty ? "no site" : sites.joined(separator: ", "))\n"
        if let token = login.tokens.values.min(by: { $0.expires < $1.expires }) {
            text += "the token is \(Lifetime.sentence(of: token, now: now))"
            text += token.refreshToken == nil ? "\n" : ", and is renewed by meshnode token\n"
        }
        Output.write(text + "kept in \(store.path)\n")
        if !missing.isEmpty {
            Output.note("no consent for: \(missing.joined(separator: ", ")); their nodes will refuse you")
        }
    }
}
