import Trust

/// The state of the stand-in for Globus Auth. Lives on one worker.
final class GlobusAuth {
    let settings: GlobusEmulationSettings
    private(set) var tokens: [String: IssuedToken] = [:]
    var refreshTokens: [String: IssuedRefreshToken] = [:]
    var codes: [String: AuthorizationCode] = [:]
    /// Tokens kept at most; the oldest that ended go first.
    static let tokensKept = 100_000
    private let names: MadeUpNames
    private let startedAt: Double

    init(settings: GlobusEmulationSettings, names: MadeUpNames, now: Double) {
        self.settings = settings
        self.names = names
        startedAt = now
        let first = settings.clients.first { $0.secret != nil }?.id
        for (index, user) in settings.users.enumerated() {
            for token in user.tokens {
                guard let server = token.client ?? first else { continue }
                tokens[token.token] = IssuedToken(
                    holder: .user(index), client: "58fdd3bc-0000-4000-8000-000000000000", resourceServer: server,
                    scopes: (token.scope ?? Scopes.all(of: server)).split(separator: " ").map(String.init), issuedAt: now,
                    expiresAt: now + (token.expiresInSeconds ?? settings.tokenSeconds))
            }
        }
    }

    /// A good token of a resource server; nil for any other.
    func token(_ text: String?, of server: String, now: Double) -> IssuedToken? {
        guard let text, let token = tokens[text], token.isGood(at: now), token.resourceServer == server else { return nil }
        return token
    }

    func revoke(_ token: String) {
        tokens[token] = nil
        refreshTokens[token] = nil
    }

    /// When a holder logged in; seconds since 1970.
    func authenticatedAt(_ user: GlobusEmulationSettings.User) -> Int { Int(startedAt - user.authenticatedSecondsAgo) }

    /// Gives out a token for each resource server, in the shape of an answer.
    func issue(
        _ grants: [(server: String, scopes: [String])], holder: TokenHolder, client: String, withRefresh: Bool, now: Double
    ) -> [JSONValue] {
        if tokens.count + grants.count > Self.tokensKept { tokens = tokens.filter { $0.value.isGood(at: now) } }
        return grants.map { grant in
            let text = names.token()
            tokens[text] = IssuedToken(
                holder: holder, client: client, resourceServer: grant.server, scopes: grant.scopes, issuedAt: now,
                expiresAt: now + settings.tokenSeconds)
            var answer: [JSONMember] = [
                JSONMember(name: "access_token", value: .string(text)),
                JSONMember(name: "scope", value: .string(grant.scopes.joined(separator: " "))),
                JSONMember(name: "expires_in", value: JSONValue(Int(settings.tokenSeconds))),
                JSONMember(name: "token_type", value: "Bearer"),
                JSONMember(name: "resource_server", value: .string(grant.server)),
                JSONMember(name: "state", value: "_default"),
            ]
            if withRefresh {
                let refresh = names.token()
                refreshTokens[refresh] = IssuedRefreshToken(
                    holder: holder, client: client, resourceServer: grant.server, scopes: grant.scopes)
                answer.append(JSONMember(name: "refresh_token", value: .string(refresh)))
            }
            return .object(answer)
        }
    }

    func newCode(_ code: AuthorizationCode) -> String {
        codes = codes.filter { $0.value.expiresAt > code.expiresAt - AuthorizationCode.seconds }
        let text = names.token()
        codes[text] = code
        return text
    }

    /// A client's own credentials: Basic (RFC 6749 §2.3.1); of a native application its id alone, in the form.
    ///
    /// - Returns: nil for a client that is unknown or has shown a wrong secret.
    func client(_ request: GlobusRequest, _ form: [(String, String)]) -> GlobusEmulationSettings.Client? {
        if let (id, secret) = Self.basic(request.authorization) {
            guard let client = settings.clients.first(where: { $0.id == id }), let own = client.secret,
                constantTimeEqual(Array(own.utf8), Array(secret.utf8))
            else { return nil }
            return client
        }
        guard request.authorization == nil, let id = form.first(where: { $0.0 == "client_id" })?.1 else { return nil }
        return settings.clients.first { $0.id == id && $0.secret == nil }
    }

    static func basic(_ authorization: String?) -> (id: String, secret: String)? {
        guard let authorization, authorization.lowercased().hasPrefix("basic "),
            let bytes = try? Base64.decode(String(authorization.dropFirst(6)))
        else { return nil }
        let parts = bytes.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
    }
}

/// Ids and tokens that a seed decides.
final class MadeUpNames {
    private var numbers: SeededNumbers

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: numbers.next() >> 24) } }

    func token() -> String { "Ag" + Digest.hex(bytes(24)) }

    /// A UUID of version 4 (RFC 9562 §5.4).
    func uuid() -> String {
        var bytes = bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = Array(Digest.hex(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }
}
