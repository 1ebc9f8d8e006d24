import Testing
import Transport

@testable import Globus

@Suite struct LoginTests {
    /// RFC 7636 appendix B.
    @Test func theChallengeIsTheStandards() {
        #expect(
            LoginChallenge.challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
                == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        #expect(LoginChallenge.verifier().utf8.count == 43)
    }

    @Test func theNativeFlow() async throws {
        let stub = try await AuthStub { _ in
            AuthStub.Answer(
                body:
                    #"{"access_token":"A","refresh_token":"R","resource_server":"a","expires_in":10,"other_tokens":[{"access_token":"B","resource_server":"b"}]}"#
            )
        }
        defer { stub.stop() }
        let login = NativeLogin(
            clientID: "n1", scopes: ["s1", "s2"], redirectURI: "http://localhost:1/", services: stub.services,
            web: WebClient())
        var options = LoginOptions()
        options.requiredDomains = ["anl.gov"]
        options.offline = true
        let url = login.authorizationURL(state: "st", challenge: "ch", options: options)
        #expect(
            url == stub.services.auth
                + "/v2/oauth2/authorize?client_id=n1&redirect_uri=http%3A%2F%2Flocalhost%3A1%2F&scope=s1+s2"
                + "&state=st&response_type=code&code_challenge=ch&code_challenge_method=S256&access_type=offline"
                + "&session_required_single_domain=anl.gov")
        let tokens = try await login.exchange(code: "c", verifier: "v")
        #expect(tokens.map(\.accessToken) == ["A", "B"] && tokens.first?.refreshToken == "R")
        #expect("\(tokens)" == "[token for a, token for b]")
        _ = try await login.refresh("R")
        try await login.revoke("A")
        #expect(
            stub.requests.map(\.body) == [
                "client_id=n1&grant_type=authorization_code&code=c&redirect_uri=http%3A%2F%2Flocalhost%3A1%2F&code_verifier=v",
                "client_id=n1&grant_type=refresh_token&refresh_token=R", "client_id=n1&token=A",
            ])
        #expect(stub.requests.allSatisfy { $0.authorization == nil })
    }

    @Test func aPagesFlowShowsItsSecretToGlobusOnly() async throws {
        let stub = try await AuthStub { _ in AuthStub.Answer(status: 400, body: #"{"error":"invalid_grant"}"#) }
        defer { stub.stop() }
        let login = WebLogin(
            client: gateway("sEcReT"), scopes: ["s"], redirectURI: "https://n/login", services: stub.services,
            web: WebClient())
        #expect(!login.authorizationURL(state: "s", challenge: "c").contains("sEcReT"))
        let error = await #expect(throws: GlobusError.self) { try await login.exchange(code: "c", verifier: "v") }
        #expect(error?.name == "invalid_grant" && error?.message.contains("sEcReT") == false)
        #expect(stub.requests.first?.body.contains("client_id") == false)
        #expect(stub.requests.first?.authorization?.hasPrefix("Basic ") == true)
    }
}
