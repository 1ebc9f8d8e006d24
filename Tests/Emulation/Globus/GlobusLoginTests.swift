import Testing
import Transport

@testable import Emulation

@Suite("Logging in at the emulated Globus Auth")
struct GlobusLoginTests {
    typealias Harness = GlobusHarness

    static let scope = "openid " + Scopes.all(of: Harness.gateway)

    static func authorize(
        _ client: String, redirect: String = "http://127.0.0.1/back", more: [(String, String)] = []
    ) -> String {
        let fields: [(String, String)] =
            [
                ("client_id", client), ("redirect_uri", redirect), ("scope", scope), ("state", "a b&c"),
                ("response_type", "code"), ("access_type", "offline"),
            ] + more
        return "/v2/oauth2/authorize?" + fields.map { "\($0.0)=\(Form.escaped($0.1))" }.joined(separator: "&")
    }

    static let proof = [("code_challenge", Harness.challenge), ("code_challenge_method", "S256")]

    /// The fields of a redirect.
    static func fields(_ answer: Harness.Answer) throws -> [String: String] {
        let location = try #require(answer.location)
        let query = location.split(separator: "?", maxSplits: 1)
        return Dictionary(Form.read(Array(query[1].utf8)), uniquingKeysWith: { first, _ in first })
    }

    static func exchange(_ code: String, redirect: String = "http://127.0.0.1/back") -> [(String, String)] {
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect)]
    }

    @Test("a native application: a code by redirect, tokens with PKCE, renewal, whose they are")
    func native() async throws {
        try await Harness.run { harness in
            let login = try await harness.send(
                "GET", Self.authorize(Harness.native, more: Self.proof + [("login_hint", "bob@uchicago.edu")]))
            #expect(login.status == 302)
            let back = try Self.fields(login)
            #expect(back["state"] == "a b&c")
            let code = try #require(back["code"])
            let own = [("client_id", Harness.native)]
            let exchange = Self.exchange(code) + [("code_verifier", Harness.verifier)] + own
            let tokens = try await harness.form("/v2/oauth2/token", exchange, as: nil).json
            #expect(tokens["resource_server"] == "auth.globus.org")
            let other = try #require(tokens["other_tokens"]?.items?.first)
            #expect(other["resource_server"] == .string(Harness.gateway))
            let access = try #require(other["access_token"]?.text)
            #expect(try await harness.introspect(access)["username"] == "bob@uchicago.edu")
            #expect(try await harness.introspect(access)["client_id"] == .string(Harness.native))
            let person = try await harness.get("/v2/oauth2/userinfo", try #require(tokens["access_token"]?.text)).json
            #expect(person["preferred_username"] == "bob@uchicago.edu")

            let refresh = try #require(other["refresh_token"]?.text)
            let renewal = [("grant_type", "refresh_token"), ("refresh_token", refresh)]
            let renewed = try await harness.form("/v2/oauth2/token", renewal + own, as: nil).json
            let second = try #require(renewed["access_token"]?.text)
            #expect(second != access && renewed["refresh_token"] == .string(refresh))
            #expect(try await harness.introspect(second)["active"] == true)
            #expect(try await harness.form("/v2/oauth2/token", renewal).status == 400, "another client's")
            _ = try await harness.form("/v2/oauth2/token/revoke", [("token", refresh)] + own, as: nil)
            #expect(try await harness.form("/v2/oauth2/token", renewal + own, as: nil).status == 400)
            // A code is good once.
            #expect(try await harness.form("/v2/oauth2/token", exchange, as: nil).status == 400)
        }
    }

    @Test("a code that is shown")
    func shown() async throws {
        try await Harness.run { harness in
            let redirect = "https://auth.globus.org/v2/web/auth-code"
            let path = Self.authorize(Harness.native, redirect: redirect, more: Self.proof)
            let page = try await harness.send("GET", path, accept: "text/html")
            #expect(page.status == 200 && page.text.contains("emulation"))
            let shown = try await harness.send("GET", path).json
            let code = try #require(shown["code"]?.text)
            let exchange =
                Self.exchange(code, redirect: redirect)
                + [("code_verifier", Harness.verifier), ("client_id", Harness.native)]
            #expect(try await harness.form("/v2/oauth2/token", exchange, as: nil).status == 200)
        }
    }

    @Test("a web application shows its secret")
    func confidential() async throws {
        try await Harness.run { harness in
            let login = try await harness.send("GET", Self.authorize(Harness.gateway))
            let code = try #require(try Self.fields(login)["code"])
            #expect(try await harness.form("/v2/oauth2/token", Self.exchange(code), as: Harness.asNode).status == 400)
            let again = try await harness.send("GET", Self.authorize(Harness.gateway))
            let second = try #require(try Self.fields(again)["code"])
            let tokens = try await harness.form("/v2/oauth2/token", Self.exchange(second)).json
            #expect(tokens["access_token"]?.text != nil && tokens["refresh_token"]?.text != nil)
        }
    }

    @Test(
        "exchanges that are refused",
        arguments: [
            [("code_verifier", String(Harness.verifier.reversed()))], [("code_verifier", "short")], [],
            [("code_verifier", Harness.challenge)],
            [("code_verifier", Harness.verifier), ("redirect_uri", "http://127.0.0.1/other")],
            [("code_verifier", Harness.verifier), ("code", "Ag-none")],
        ])
    func badProof(_ change: [(String, String)]) async throws {
        try await Harness.run { harness in
            let login = try await harness.send("GET", Self.authorize(Harness.native, more: Self.proof))
            let code = try #require(try Self.fields(login)["code"])
            let names = change.map(\.0)
            let fields = Self.exchange(code).filter { !names.contains($0.0) } + change + [("client_id", Harness.native)]
            let answer = try await harness.form("/v2/oauth2/token", fields, as: nil)
            #expect(answer.status == 400)
            #expect(try answer.json["error"] == "invalid_grant")
        }
    }

    @Test(
        "logins that are refused, by redirect",
        arguments: [
            ([], "invalid_request"), ([("code_challenge", Harness.challenge)], "invalid_request"),
            ([("code_challenge", Harness.challenge), ("code_challenge_method", "plain")], "invalid_request"),
            (proof + [("login_hint", "nobody@nowhere")], "access_denied"),
        ])
    func badLogin(_ more: [(String, String)], _ error: String) async throws {
        try await Harness.run { harness in
            let answer = try await harness.send("GET", Self.authorize(Harness.native, more: more))
            #expect(answer.status == 302)
            #expect(try Self.fields(answer)["error"] == error)
        }
    }

    @Test("a redirect that is not the client's is never followed")
    func badRedirect() async throws {
        try await Harness.run { harness in
            for (client, redirect) in [
                (Harness.native, "http://evil/"), ("nobody", "http://127.0.0.1/back"),
                (Harness.gateway, "https://auth.globus.org/v2/web/auth-code"),
            ] {
                let answer = try await harness.send("GET", Self.authorize(client, redirect: redirect, more: Self.proof))
                #expect(answer.status == 400 && answer.location == nil)
            }
        }
    }
}
