import Testing

@testable import MeshNode

@Suite struct RedirectTests {
    private static let long = String(repeating: "c", count: 2049)

    @Test(
        "what comes back by the browser",
        arguments: [
            ("code=abc&state=s", Redirect.code("abc")), ("state=s&code=a%2Bb", .code("a+b")),
            ("code=abc&state=t", .foreign), ("code=abc", .foreign), ("", .foreign), ("state=s", .foreign),
            ("code=&state=s", .foreign), ("code=a%0ab&state=s", .foreign), ("code=%ff&state=s", .foreign),
            ("code=%+1&state=s", .foreign), ("code=%4&state=s", .foreign), ("code=\(long)&state=s", .foreign),
            ("error=access_denied&state=s", .refused("access_denied")),
            ("error=access_denied&error_description=not+you%21&state=s", .refused("access_denied: not you!")),
            ("error=access_denied&state=t", .foreign),
        ])
    func query(text: String, expected: Redirect) { #expect(Redirect.read(query: text, state: "s") == expected) }

    @Test(
        "what a user pastes",
        arguments: [
            ("abc", Redirect.code("abc")), ("", .foreign), ("two words", .foreign), ("\u{1B}[2J", .foreign),
            ("https://auth.globus.org/v2/web/auth-code?code=abc&state=s", .code("abc")),
            ("https://auth.globus.org/v2/web/auth-code?code=abc&state=s#top", .code("abc")),
            ("https://auth.globus.org/v2/web/auth-code?code=abc&state=t", .foreign),
        ])
    func pasted(text: String, expected: Redirect) { #expect(Redirect.read(pasted: text, state: "s") == expected) }
}
