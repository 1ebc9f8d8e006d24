import Globus
import Testing

@testable import MeshNode

@Suite struct AuthorizationServerTests {
    @Test("RFC 7636, Appendix B")
    func vector() {
        let challenge = LoginChallenge.challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        #expect(challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }

    @Test("a verifier is of the form of RFC 7636 §4.1, and no two are the same")
    func form() {
        let verifiers = (0..<20).map { _ in LoginChallenge.verifier() }
        #expect(Set(verifiers).count == 20)
        for verifier in verifiers {
            #expect((43...128).contains(verifier.utf8.count))
            #expect(verifier.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._~".contains($0)) })
        }
    }

    @Test("the page to open asks for every scope at once, by PKCE, and for refresh tokens")
    func page() {
        let server = AuthorizationServer(origin: "https://auth.example", clientID: "app")
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        func url(anew: Bool) -> String {
            server.authorizationURL(
                scopes: ["https://x/a", "https://x/b"], redirect: server.pageForCode, state: "st", verifier: verifier,
                signInAnew: anew)
        }
        let page = url(anew: false)
        #expect(page.hasPrefix("https://auth.example/v2/oauth2/authorize?"))
        for field in [
            "client_id=app", "redirect_uri=https%3A%2F%2Fauth.example%2Fv2%2Fweb%2Fauth-code", "response_type=code",
            "scope=https%3A%2F%2Fx%2Fa+https%3A%2F%2Fx%2Fb", "state=st", "code_challenge_method=S256",
            "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "access_type=offline",
        ] {
            #expect(page.split(whereSeparator: { "?&".contains($0) }).contains(Substring(field)), "\(field)")
        }
        #expect(!page.contains(verifier) && !page.contains("prompt="))
        #expect(url(anew: true).contains("prompt=login"))
    }

    @Test(
        "a no is a no, and everything else is for later",
        arguments: [
            (.badRequest, true), (.unauthorized, true), (.forbidden, true), (.notFound, true), (.rateLimited, false),
            (.unavailable, false), (.unreachable, false), (.protocolViolation, false),
        ] as [(GlobusError.Code, Bool)])
    func failures(code: GlobusError.Code, isRefusal: Bool) {
        let failure = AuthorizationServer.Failure(GlobusError(code, "why"))
        #expect(failure == (isRefusal ? .refused("why") : .unavailable("why")))
    }
}
