import Glibc
import Testing
import Transport

@testable import MeshNode

@Suite struct TokenKeeperTests {
    private static let renewed =
        #"{"access_token":"A2","refresh_token":"RA2","expires_in":172800,"resource_server":"server-a","scope":"scope-a"}"#

    private let scratch: StoreScratch

    init() throws {
        scratch = try StoreScratch()
        try scratch.keep(["f": .twoSites(expires: 100_000)])
    }

    private func keeper(_ server: ScriptedServer, now: Int64) -> TokenKeeper {
        TokenKeeper(
            store: scratch.store, now: { now }, server: { _ in server.client },
            discover: { (node) throws(CommandFailure) in throw CommandFailure(exitCode: 1, message: "nobody at \(node)") })
    }

    private func stored(_ resource: String = "server-a") throws -> StoredToken? {
        try scratch.store.read().federations["f"]?.tokens[resource]
    }

    @Test("while there is time the stored one is given, and nobody is asked")
    func fresh() throws {
        let server = ScriptedServer(500, "")
        let issued = try keeper(server, now: 99_400).token(node: "https://b.example", federation: nil)
        #expect(issued.token.accessToken == "B" && issued.warning == nil && server.forms.isEmpty)
    }

    @Test("near its end it is renewed, stored, and the other site's left alone")
    func renews() throws {
        let server = ScriptedServer(200, Self.renewed)
        let keeper = keeper(server, now: 99_401)
        let issued = try keeper.token(node: nil, federation: nil)
        #expect(issued.token == StoredToken(accessToken: "A2", refreshToken: "RA2", scope: "scope-a", expires: 272_201))
        #expect(try stored() == issued.token && stored("server-b")?.accessToken == "B")
        #expect(try keeper.token(node: nil, federation: nil).token.accessToken == "A2")
        #expect(server.forms == ["grant_type=refresh_token&refresh_token=RA&client_id=app"])
    }

    @Test("renewed on demand")
    func forced() throws {
        let server = ScriptedServer(200, Self.renewed)
        #expect(try keeper(server, now: 0).token(node: nil, federation: nil, renewed: true).token.accessToken == "A2")
    }

    @Test("many at once renew once")
    func oneFlight() async throws {
        let server = ScriptedServer { (number) throws(WebError) in
            usleep(50_000)
            return WebAnswer(status: number == 0 ? 200 : 400, fields: [], body: Array(Self.renewed.utf8))
        }
        let store = scratch.store
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let keeper = TokenKeeper(store: store, now: { 99_500 }, server: { _ in server.client })
                    return try keeper.token(node: nil, federation: nil).token.accessToken
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == ["A2"] && server.forms.count == 1)
    }

    @Test("a refresh token that is not replaced goes on, and so does the scope")
    func kept() throws {
        let server = ScriptedServer(200, #"{"access_token":"A2","expires_in":1000,"resource_server":"server-a"}"#)
        _ = try keeper(server, now: 99_500).token(node: nil, federation: nil)
        #expect(try stored() == StoredToken(accessToken: "A2", refreshToken: "RA", scope: "scope-a", expires: 100_500))
    }

    @Test(
        "a login that has ended says to log in again",
        arguments: [
            (400, #"{"error":"invalid_grant"}"#, "invalid_grant"),
            (200, #"{"access_token":"A2","expires_in":9,"resource_server":"server-a","scope":"less"}"#, "taken back"),
        ])
    func ended(status: Int, body: String, words: String) throws {
        let server = ScriptedServer(status, body)
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
        let server = ScriptedServer { (_) throws(WebError) in throw WebError(.unreachable, "no route", mayHaveArrived: false)
        }
        let issued = try? keeper(server, now: now).token(node: nil, federation: nil)
        #expect((issued != nil) == isGiven)
        #expect(issued?.warning?.contains("no route") ?? !isGiven)
    }

    @Test("without a refresh token it is given to its end", arguments: [(99_999, true), (100_000, false)])
    func unrenewable(now: Int64, isGiven: Bool) throws {
        var login = FederationLogin.twoSites(expires: 100_000)
        login.tokens["server-a"]?.refreshToken = nil
        try scratch.keep(["f": login])
        let issued = try? keeper(ScriptedServer(500, ""), now: now).token(node: nil, federation: nil)
        #expect((issued != nil) == isGiven)
    }

    @Test("no consent for a site is said")
    func withoutConsent() throws {
        var login = FederationLogin.twoSites()
        login.tokens["server-b"] = nil
        try scratch.keep(["f": login])
        let failure = #expect(throws: CommandFailure.self) {
            try keeper(ScriptedServer(500, ""), now: 0).token(node: "https://b.example", federation: nil)
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
        var keeper = keeper(ScriptedServer(500, ""), now: 0)
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
        var keeper = keeper(ScriptedServer(500, ""), now: 0)
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
        var keeper = keeper(ScriptedServer(500, ""), now: 0)
        let told = discovery(["https://new.example"], server: server, federation: federation)
        keeper.discover = { (_) throws(CommandFailure) in told }
        #expect(throws: CommandFailure.self) { try keeper.token(node: "https://new.example", federation: nil) }
        #expect(try scratch.store.read().federations["f"] == .twoSites(expires: 100_000))
    }
}
