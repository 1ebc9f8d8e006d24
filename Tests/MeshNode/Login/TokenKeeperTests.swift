import Glibc
import Synchronization
import Testing
import Transport

@testable import MeshNode

/// What an authorization server answers to refresh tokens, and which it was shown.
final class ScriptedServer: Sendable {
    private let asked = Mutex<[String]>([])
    private let answer: @Sendable (Int) throws(AuthorizationServer.Failure) -> [String: StoredToken]

    /// - Parameter answer: to the question of that number, from 0.
    init(_ answer: @escaping @Sendable (Int) throws(AuthorizationServer.Failure) -> [String: StoredToken]) {
        self.answer = answer
    }

    convenience init(_ tokens: [String: StoredToken]) {
        self.init { (_) throws(AuthorizationServer.Failure) in tokens }
    }

    /// One that nobody should ask.
    static var silent: ScriptedServer {
        ScriptedServer { (_) throws(AuthorizationServer.Failure) in throw .refused("asked without need") }
    }

    var shown: [String] { asked.withLock { $0 } }

    func refresh(_ token: String) throws(AuthorizationServer.Failure) -> [String: StoredToken] {
        let number = asked.withLock { asked in
            asked.append(token)
            return asked.count - 1
        }
        return try answer(number)
    }
}

/// Counts over threads.
private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func add() { count.add(1, ordering: .sequentiallyConsistent) }

    /// Blocks until that many are counted; false if they are not within half a minute.
    func reaches(_ wanted: Int) -> Bool {
        for _ in 0..<30_000 {
            if count.load(ordering: .sequentiallyConsistent) >= wanted { return true }
            usleep(1000)
        }
        return false
    }
}

@Suite struct TokenKeeperTests {
    private static let renewed = [
        "server-a": StoredToken(accessToken: "A2", refreshToken: "RA2", scope: "scope-a", expires: 272_201)
    ]

    private let scratch: StoreScratch

    init() throws {
        scratch = try StoreScratch()
        try scratch.keep(["f": .twoSites(expires: 100_000)])
    }

    private func keeper(_ server: ScriptedServer, now: Int64) -> TokenKeeper {
        TokenKeeper(
            store: scratch.store, now: { now },
            refresh: { (_, token, _) throws(AuthorizationServer.Failure) in try server.refresh(token) },
            discover: { (node) throws(CommandFailure) in throw CommandFailure(exitCode: 1, message: "nobody at \(node)") })
    }

    private func stored(_ resource: String = "server-a") throws -> StoredToken? {
        try scratch.store.read().federations["f"]?.tokens[resource]
    }

    @Test("while there is time the stored one is given, and nobody is asked")
    func fresh() throws {
        let server = ScriptedServer.silent
        let issued = try keeper(server, now: 99_400).token(node: "https://b.example", federation: nil)
        #expect(issued.token.accessToken == "B" && issued.warning == nil && server.shown.isEmpty)
    }

    @Test("near its end it is renewed, stored, and the other site's left alone")
    func renews() throws {
        let server = ScriptedServer(Self.renewed)
        let keeper = keeper(server, now: 99_401)
        let issued = try keeper.token(node: nil, federation: nil)
        #expect(issued.token == StoredToken(accessToken: "A2", refreshToken: "RA2", scope: "scope-a", expires: 272_201))
        #expect(try stored() == issued.token && stored("server-b")?.accessToken == "B")
        #expect(try keeper.token(node: nil, federation: nil).token.accessToken == "A2")
        #expect(server.shown == ["RA"])
    }

    @Test("renewed on demand")
    func forced() throws {
        let server = ScriptedServer(Self.renewed)
        #expect(try keeper(server, now: 0).token(node: nil, federation: nil, renewed: true).token.accessToken == "A2")
    }

    @Test("many at once renew once")
    func oneFlight() async throws {
        let commands = 6
        let decided = Counter()
        let server = ScriptedServer { (number) throws(AuthorizationServer.Failure) in
            // Answered once all have read the old token and look at the clock: each means to renew it.
            guard number == 0, decided.reaches(commands) else { throw .refused("used twice, or asked alone") }
            return Self.renewed
        }
        let store = scratch.store
        let tokens = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<commands {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        // A thread each: who waits for the lock of the file blocks.
                        startThread(name: "command") {
                            var isFirst = true
                            let now = {
                                if isFirst { decided.add() }
                                isFirst = false
                                return Int64(99_500)
                            }
                            let keeper = TokenKeeper(
                                store: store, now: now,
                                refresh: { (_, token, _) throws(AuthorizationServer.Failure) in try server.refresh(token) })
                            let issued = try? keeper.token(node: nil, federation: nil)
                            continuation.resume(returning: issued?.token.accessToken)
                        }
                    }
                }
            }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == ["A2"] && server.shown.count == 1)
    }

    @Test("a refresh token that is not replaced goes on, and so does the scope")
    func kept() throws {
        let server = ScriptedServer([
            "server-a": StoredToken(accessToken: "A2", refreshToken: nil, scope: "", expires: 100_500)
        ])
        _ = try keeper(server, now: 99_500).token(node: nil, federation: nil)
        #expect(try stored() == StoredToken(accessToken: "A2", refreshToken: "RA", scope: "scope-a", expires: 100_500))
    }

    @Test(
        "a login that has ended says to log in again",
        arguments: [
            (nil, "invalid_grant"),
            (StoredToken(accessToken: "A2", refreshToken: nil, scope: "less", expires: 200_000), "taken back"),
        ])
    func ended(token: StoredToken?, words: String) throws {
        let server = ScriptedServer { (_) throws(AuthorizationServer.Failure) in
            guard let token else { throw .refused("invalid_grant") }
            return ["server-a": token]
        }
        let failure = #expect(throws: CommandFailure.self) {
            try keeper(server, now: 99_500).token(node: nil, federation: nil)
        }
        #expect(failure?.message.contains("run: meshnode login --node https://a.example") == true)
        #expect(failure?.message.contains(words) == true && failure?.exitCode == 1)
        #expect(try stored()?.accessToken == "A")
    }

    @Test(
        "while the authorization server is away the old one does, to its end", arguments: [(99_999, true), (100_000, false)])
    func away(now: Int64, isGiven: Bool) throws {
        let server = ScriptedServer { (_) throws(AuthorizationServer.Failure) in throw .unavailable("no route") }
        let issued = try? keeper(server, now: now).token(node: nil, federation: nil)
        #expect((issued != nil) == isGiven)
        #expect(issued?.warning?.contains("no route") ?? !isGiven)
    }

    @Test("without a refresh token it is given to its end", arguments: [(99_999, true), (100_000, false)])
    func unrenewable(now: Int64, isGiven: Bool) throws {
        var login = FederationLogin.twoSites(expires: 100_000)
        login.tokens["server-a"]?.refreshToken = nil
        try scratch.keep(["f": login])
        let issued = try? keeper(ScriptedServer.silent, now: now).token(node: nil, federation: nil)
        #expect((issued != nil) == isGiven)
    }

    @Test("no consent for a site is said")
    func withoutConsent() throws {
        var login = FederationLogin.twoSites()
        login.tokens["server-b"] = nil
        try scratch.keep(["f": login])
        let failure = #expect(throws: CommandFailure.self) {
            try keeper(ScriptedServer.silent, now: 0).token(node: "https://b.example", federation: nil)
        }
        #expect(failure?.message.contains("not for site b") == true)
    }

    // MARK: Nodes that are not known

    private func discovery(_ apis: [String], server: String = "https://auth.example", federation: String = "f")
        -> NodeDiscovery
    {
        NodeDiscovery(
            federation: federation, site: "a", node: "n",
            authentication: NodeDiscovery.Authentication(
                authorizationServer: server, nativeClientId: "app",
                scopes: [SiteScope(site: "a", scope: "scope-a", apis: apis)]))
    }

    @Test("a new node is learnt from a known one")
    func learns() throws {
        var keeper = keeper(ScriptedServer.silent, now: 0)
        let told = discovery(["https://a.example", "https://new.example"])
        keeper.discover = { (node) throws(CommandFailure) in
            guard node == "https://a.example" else { throw CommandFailure(exitCode: 1, message: "asked \(node)") }
            return told
        }
        #expect(try keeper.token(node: "https://new.example", federation: nil).token.accessToken == "A")
        #expect(try scratch.store.read().federations["f"]?.site(of: "https://new.example") != nil)
    }

    @Test("a node is not believed about itself: it could ask for another site's token")
    func impostor() throws {
        var keeper = keeper(ScriptedServer.silent, now: 0)
        let lie = discovery(["https://evil.example"])
        keeper.discover = { (node) throws(CommandFailure) in
            guard node == "https://evil.example" else { throw CommandFailure(exitCode: 1, message: "away") }
            return lie
        }
        let failure = #expect(throws: CommandFailure.self) {
            try keeper.token(node: "https://evil.example", federation: nil)
        }
        #expect(failure?.message.contains("run: meshnode login --node https://evil.example") == true)
    }

    @Test(
        "a known node that speaks of another federation or login teaches nothing",
        arguments: [("https://auth.example", "g"), ("https://other.example", "f")])
    func changed(server: String, federation: String) throws {
        var keeper = keeper(ScriptedServer.silent, now: 0)
        let told = discovery(["https://new.example"], server: server, federation: federation)
        keeper.discover = { (_) throws(CommandFailure) in told }
        #expect(throws: CommandFailure.self) { try keeper.token(node: "https://new.example", federation: nil) }
        #expect(try scratch.store.read().federations["f"] == .twoSites(expires: 100_000))
    }
}
