import Testing

@testable import MeshNode

extension FederationLogin {
    /// A login at two sites, each with a token of its own, renewable, until `expires`.
    static func twoSites(expires: Int64 = 100_000) -> FederationLogin {
        FederationLogin(
            node: "https://a.example", site: "a", authorizationServer: "https://auth.example", clientID: "app",
            sites: [
                SiteScope(site: "a", scope: "scope-a", apis: ["https://a.example", "https://a2.example:8443"]),
                SiteScope(site: "b", scope: "scope-b", apis: ["https://b.example"]),
            ],
            tokens: [
                "server-a": StoredToken(accessToken: "A", refreshToken: "RA", scope: "scope-a", expires: expires),
                "server-b": StoredToken(accessToken: "B", refreshToken: "RB", scope: "openid scope-b", expires: expires),
            ])
    }

    static var other: FederationLogin {
        var login = twoSites()
        login.node = "https://c.example"
        login.sites = [SiteScope(site: "a", scope: "scope-a", apis: ["https://c.example"])]
        return login
    }
}

@Suite struct StoredLoginTests {
    private let one = StoredLogins(federations: ["f": .twoSites()])
    private let two = StoredLogins(federations: ["f": .twoSites(), "g": .other])

    @Test(
        "the node decides the token",
        arguments: [
            ("https://a.example", "f", "A"), ("https://A.example:443/", "f", "A"), ("https://a2.example:8443", "f", "A"),
            ("https://b.example", "f", "B"), ("https://c.example", "g", "A"),
        ])
    func byNode(node: String, federation: String, token: String) throws {
        let choice = try #require(try two.choose(node: node, federation: nil))
        #expect(choice.federation == federation && choice.token?.1.accessToken == token)
    }

    @Test(
        "a node that no login knows gets none, however near its name is",
        arguments: [
            "http://a.example", "https://a.example:8443", "https://a.example.evil", "https://evil.example", "nonsense",
        ])
    func unknown(node: String) throws { #expect(try two.choose(node: node, federation: nil) == nil) }

    @Test("no node named: the one that the login was made by")
    func byLogin() throws {
        #expect(try one.choose(node: nil, federation: nil)?.token?.1.accessToken == "A")
        #expect(try two.choose(node: nil, federation: "g")?.login.node == "https://c.example")
        #expect(try two.choose(node: "https://b.example", federation: "g") == nil)
    }

    @Test("what is not clear is said")
    func unclear() {
        let cases: [(StoredLogins, String?, String?, String)] = [
            (StoredLogins(), nil, nil, "not logged in; run: meshnode login"),
            (StoredLogins(), "https://a.example", nil, "run: meshnode login --node https://a.example"),
            (two, nil, nil, "several federations (f, g)"), (two, nil, "h", "logged in at: f, g"),
        ]
        for (logins, node, federation, words) in cases {
            let failure = #expect(throws: CommandFailure.self) { try logins.choose(node: node, federation: federation) }
            #expect(failure?.message.contains(words) == true && failure?.exitCode == 1, "\(failure?.message ?? "")")
        }
    }

    @Test("a scope is a word, not a part of one")
    func scopes() {
        let token = StoredToken(accessToken: "A", refreshToken: nil, scope: "x scope-a/all", expires: 1)
        #expect(token.covers("x") && token.covers("scope-a/all"))
        #expect(!token.covers("scope-a") && !token.covers("") && !token.covers("x scope-a/all"))
        var login = FederationLogin.twoSites()
        login.tokens["server-b"] = nil
        #expect(login.sitesWithout == ["b"])
    }

    @Test(
        "ten minutes before its end a token is renewed",
        arguments: [(0, false), (99_399, false), (99_400, false), (99_401, true), (99_999, true), (100_000, true)])
    func renewal(now: Int64, needed: Bool) {
        let token = StoredToken(accessToken: "A", refreshToken: nil, scope: "", expires: 100_000)
        #expect(token.needsRenewal(now: now) == needed)
        #expect(token.isValid(now: now) == (now < 100_000))
    }

    @Test("the address that a login was made by stays known")
    func tunnel() {
        var login = FederationLogin.twoSites()
        login.node = "http://127.0.0.1:9000"
        login.learn([SiteScope(site: "a", scope: "scope-a", apis: ["https://new.example"])])
        #expect(login.ownSite?.site == "a" && login.site(of: "https://new.example")?.scope == "scope-a")
        #expect(login.site(of: "https://b.example") == nil)
    }

    @Test(
        "how long it lasts",
        arguments: [(0, "no time"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (169_979, "47 h 12 min")])
    func words(seconds: Int64, text: String) { #expect(Lifetime.text(seconds: seconds) == text) }

    @Test("until when") func moment() { #expect(Lifetime.moment(1_794_000_000) == "2026-11-06T21:20:00Z") }
}
