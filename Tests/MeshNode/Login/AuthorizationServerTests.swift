import Synchronization
import Testing
import Transport

@testable import MeshNode

/// An authorization server that answers what a test wants, and keeps what it was asked.
final class ScriptedServer: Sendable {
    let requests = Mutex<[WebRequest]>([])
    private let answer: @Sendable (Int) throws(WebError) -> WebAnswer

    /// - Parameter answer: to the request of that number, from 0.
    init(_ answer: @escaping @Sendable (Int) throws(WebError) -> WebAnswer) { self.answer = answer }

    convenience init(_ status: Int, _ body: String) {
        self.init { (_) throws(WebError) in WebAnswer(status: status, fields: [], body: Array(body.utf8)) }
    }

    var client: AuthorizationServer {
        var client = AuthorizationServer(origin: "https://auth.example", clientID: "app")
        client.send = { (request) throws(WebError) in
            let number = self.requests.withLock { requests in
                requests.append(request)
                return requests.count - 1
            }
            return try self.answer(number)
        }
        return client
    }

    /// The forms that were posted.
    var forms: [String] { requests.withLock { $0.map { String(decoding: $0.body ?? [], as: UTF8.self) } } }
}

@Suite struct AuthorizationServerTests {
    @Test("the page to open asks for every scope at once, by PKCE, and for refresh tokens")
    func page() {
        let server = AuthorizationServer(origin: "https://auth.example", clientID: "app")
        let key = ProofKey(verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        let url = server.authorizationURL(
            scopes: ["https://x/a", "https://x/b"], redirect: server.pageForCode, state: "st", key: key, signInAnew: false)
        #expect(
            url == "https://auth.example/v2/oauth2/authorize?client_id=app"
                + "&redirect_uri=https%3A%2F%2Fauth.example%2Fv2%2Fweb%2Fauth-code&response_type=code"
                + "&scope=https%3A%2F%2Fx%2Fa%20https%3A%2F%2Fx%2Fb&state=st"
                + "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&access_type=offline"
        )
        #expect(!url.contains(key.verifier))
        let anew = server.authorizationURL(scopes: ["s"], redirect: "r", state: "st", key: key, signInAnew: true)
        #expect(anew.hasSuffix("&prompt=login"))
    }

    @Test("a code brings the tokens of all resource servers")
    func exchange() throws {
        let server = ScriptedServer(
            200,
            #"""
            {"access_token":"A","refresh_token":"RA","expires_in":172800,"resource_server":"a","scope":"sa x","token_type":"Bearer",
             "other_tokens":[{"access_token":"B","expires_in":60,"resource_server":"b","scope":"sb"}]}
            """#)
        let tokens = try server.client.exchange(code: "c/1", redirect: "r", key: ProofKey(verifier: "v"), now: 1000)
        #expect(
            tokens == [
                "a": StoredToken(accessToken: "A", refreshToken: "RA", scope: "sa x", expires: 173_800),
                "b": StoredToken(accessToken: "B", refreshToken: nil, scope: "sb", expires: 1060),
            ])
        #expect(
            server.forms == ["grant_type=authorization_code&code=c%2F1&redirect_uri=r&code_verifier=v&client_id=app"])
        let request = try #require(server.requests.withLock { $0.first })
        #expect(request.method == "POST" && request.url == "https://auth.example/v2/oauth2/token")
        // A program without a secret has nothing to put here.
        #expect(!request.fields.contains { $0.name.lowercased() == "authorization" })
    }

    @Test("a life is not believed beyond a year")
    func life() throws {
        let server = ScriptedServer(200, #"{"access_token":"A","expires_in":9000000000000000000,"resource_server":"a"}"#)
        let tokens = try server.client.refresh("R", now: 0)
        #expect(tokens["a"]?.expires == AuthorizationServer.lifeSeconds)
        #expect(server.forms == ["grant_type=refresh_token&refresh_token=R&client_id=app"])
    }

    @Test(
        "a no is a no, and everything else is for later",
        arguments: [
            (400, #"{"error":"invalid_grant"}"#, true, "invalid_grant"),
            (
                401, #"{"error":"invalid_client","error_description":"gone\u001b[2J"}"#, true,
                #"invalid_client: gone\u001b[2J"#
            ),
            (403, "<html>", true, "status 403"), (429, "", false, "429"), (408, "", false, "408"), (500, "", false, "500"),
            (503, #"{"error":"x"}"#, false, "503"), (302, "", false, "302"), (200, "", false, "not understood"),
            (200, #"{"access_token":"a b","expires_in":1}"#, false, "no token"),
            (200, #"{"access_token":"","expires_in":1}"#, false, "no token"),
            (200, #"{"access_token":"a","refresh_token":"r\n","expires_in":1}"#, false, "no token"),
            (200, #"{"access_token":"a","expires_in":0}"#, false, "no token"),
        ])
    func failures(status: Int, body: String, isRefusal: Bool, words: String) {
        let server = ScriptedServer(status, body)
        let failure = #expect(throws: AuthorizationServer.Failure.self) { try server.client.refresh("R", now: 0) }
        #expect(failure?.text.contains(words) == true, "\(failure?.text ?? "")")
        if case .refused? = failure { #expect(isRefusal) } else { #expect(!isRefusal) }
        #expect(failure?.text.contains("R=") == false)
    }
}
