import Testing

@testable import MeshNode

private func answer(_ authentication: String) -> [UInt8] {
    Array(#"{"federation":"f","site":"a","node":"n","version":"1","authentication":\#(authentication)}"#.utf8)
}

@Suite struct NodeDiscoveryTests {
    @Test("where to log in")
    func login() throws {
        let body = answer(
            #"""
            {"methods":["globus"],"authorizationServer":"https://Auth.globus.org/","nativeClientId":"app",
             "scopes":[{"site":"a","scope":"s","apis":["https://a.example"]}],"more":1}
            """#)
        let login = try NodeDiscovery.read(body, from: "http://n").login(at: "http://n")
        #expect(login.server == "https://auth.globus.org" && login.clientID == "app")
        #expect(login.sites == [SiteScope(site: "a", scope: "s", apis: ["https://a.example"])])
    }

    private static func naming(
        _ server: String = "https://x", client: String = "c", scope: String = "s", api: String = "http://a"
    )
        -> String
    {
        #"{"methods":[],"authorizationServer":"\#(server)","nativeClientId":"\#(client)","scopes":[{"site":"a","scope":"\#(scope)","apis":["\#(api)"]}]}"#
    }

    @Test(
        "what is not followed",
        arguments: [
            (#"{"methods":["static"]}"#, "has no login"),
            (#"{"methods":[],"authorizationServer":"https://x","nativeClientId":"c","scopes":[]}"#, "has no login"),
            (naming("http://auth.example"), "not https"), (naming("https://u@auth.example"), "not https"),
            (naming("https://auth.example/path"), "not https"), (naming("file:///etc/passwd"), "not https"),
            (naming(client: "a b"), "cannot be used"), (naming(scope: "a b"), "cannot be used"),
            (naming(scope: "a\\u001b"), "cannot be used"), (naming(scope: ""), "cannot be used"),
        ])
    func refused(authentication: String, words: String) throws {
        let discovery = try NodeDiscovery.read(answer(authentication), from: "http://n")
        let failure = #expect(throws: CommandFailure.self) { try discovery.login(at: "http://n") }
        #expect(failure?.message.contains(words) == true && failure?.exitCode == 1, "\(failure?.message ?? "")")
    }

    @Test(
        "without TLS on this machine alone",
        arguments: ["http://127.0.0.1:80", "http://127.9.9.9", "http://[::1]:1", "http://localhost"])
    func loopback(server: String) throws {
        #expect(throws: Never.self) {
            try NodeDiscovery.read(answer(Self.naming(server)), from: "http://n").login(at: "http://n")
        }
    }

    @Test(
        "what is no node's answer",
        arguments: ["", "<html>", "[]", "{}", #"{"federation":"f\u001b","site":"a","node":"n","authentication":{}}"#])
    func strange(body: String) {
        #expect(throws: CommandFailure.self) { try NodeDiscovery.read(Array(body.utf8), from: "http://n") }
    }

    @Test("what one site says wrongly does not shut the others out")
    func partly() throws {
        let body = answer(
            #"""
            {"authorizationServer":"https://x","nativeClientId":"c","scopes":[
             {"site":"b","scope":"two words","apis":[]},{"site":"a","scope":"s","apis":["javascript:1","http://a"]}]}
            """#)
        let login = try NodeDiscovery.read(body, from: "http://n").login(at: "http://n")
        #expect(login.sites == [SiteScope(site: "a", scope: "s", apis: ["http://a"])])
    }

    @Test(
        "addresses are compared by what they mean",
        arguments: [
            ("https://A.example", "https://a.example"), ("https://a.example:443/", "https://a.example"),
            ("http://a.example:80", "http://a.example"), ("http://a.example:443", "http://a.example:443"),
            ("http://[::1]:8101/v1", "http://[::1]:8101"),
        ])
    func origins(text: String, origin: String) { #expect(WebAddress(text)?.origin == origin) }
}
