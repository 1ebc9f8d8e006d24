import FoundationEssentials

/// What the token endpoint answers: one token at the top, the other resource servers' beside it.
enum TokenAnswer {
    private struct Entry: Decodable {
        // The wire's own names.
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var access_token: String
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var refresh_token: String?
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var expires_in: Int64
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var resource_server: String?
        var scope: String?
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var other_tokens: [Entry]?
    }

    /// Tokens that one answer may hold.
    static let tokensAllowed = 1024

    /// - Returns: by resource server.
    static func read(_ body: [UInt8], now: Int64) throws(AuthorizationServer.Failure) -> [String: StoredToken] {
        guard let top = try? JSONDecoder().decode(Entry.self, from: Data(body)) else {
            throw .unavailable("the authorization server's answer is not understood")
        }
        let entries = [top] + (top.other_tokens ?? [])
        guard entries.count <= tokensAllowed else { throw .unavailable("the authorization server sends too many tokens") }
        var found: [String: StoredToken] = [:]
        for entry in entries {
            guard isToken(entry.access_token), entry.refresh_token.map(isToken) ?? true, entry.expires_in > 0 else {
                throw .unavailable("the authorization server sends what is no token")
            }
            let scope = entry.scope ?? ""
            found[entry.resource_server ?? scope] = StoredToken(
                accessToken: entry.access_token, refreshToken: entry.refresh_token, scope: scope,
                expires: now + min(entry.expires_in, AuthorizationServer.lifeSeconds))
        }
        return found
    }

    /// Nothing that could end a header line, or a line of the shell's.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= AuthorizationServer.tokenBytes && Names.isVisible(text)
    }

    private struct Refusal: Decodable {
        var error: String?
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var error_description: String?
    }

    /// `invalid_grant` and the words beside it, for people.
    static func reason(_ body: [UInt8]) -> String? {
        guard let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(body)) else { return nil }
        let words = [refusal.error, refusal.error_description].compactMap { $0 }.map { Quoting.cut($0) }
        return words.isEmpty ? nil : words.joined(separator: ": ")
    }
}
