/// A token as Globus Auth hands it out. Its description tells no secret.
public struct GlobusToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    public var accessToken: String
    public var refreshToken: String?
    /// Space separated.
    public var scope: String
    /// Which service it is for: `funcx_service`, `groups.api.globus.org`, a client's UUID.
    public var resourceServer: String
    /// Seconds that it lives from when it was given.
    public var expiresInSeconds: UInt64

    public var description: String { "token for \(resourceServer)" }
    public var debugDescription: String { description }

    init?(_ value: LooseJSON) {
        guard let token = value["access_token"]?.text, !token.isEmpty, token.utf8.allSatisfy({ (33...126).contains($0) }),
            token.utf8.count <= TokenLimits.tokenBytes
        else { return nil }
        accessToken = token
        refreshToken = value["refresh_token"]?.text
        scope = value["scope"]?.text ?? ""
        resourceServer = value["resource_server"]?.text ?? ""
        // A life that is not told is short: what is asked for again too early does no harm.
        expiresInSeconds = min(value["expires_in"]?.count ?? 300, TokenLimits.longestSeconds)
    }

    /// All tokens of an answer: an object with `other_tokens`, or a list of dependent tokens.
    static func all(_ answer: LooseJSON) -> [GlobusToken] {
        let values = answer.items ?? [answer] + (answer["other_tokens"]?.items ?? [])
        return values.compactMap { GlobusToken($0) }
    }
}

enum TokenLimits {
    /// Bytes of the longest token that is looked at.
    static let tokenBytes = 8192
    /// Seconds that a token is believed to live at most.
    static let longestSeconds: UInt64 = 366 * 86_400
}
