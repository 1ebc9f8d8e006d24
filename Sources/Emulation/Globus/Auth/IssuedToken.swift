/// Who a token speaks for.
enum TokenHolder: Sendable, Equatable {
    /// An index of the settings' users.
    case user(Int)
    /// A service account: a client's id.
    case client(String)
}

/// A token that was given out, or was good from the start. Times are seconds since 1970.
struct IssuedToken: Sendable {
    var holder: TokenHolder
    /// The client that it was issued to.
    var client: String
    var resourceServer: String
    var scopes: [String]
    var issuedAt: Double
    var expiresAt: Double

    func isGood(at now: Double) -> Bool { now < expiresAt }
}

/// A right to more tokens.
struct IssuedRefreshToken: Sendable {
    var holder: TokenHolder
    var client: String
    var resourceServer: String
    var scopes: [String]
}

/// A code between a login and its tokens.
struct AuthorizationCode: Sendable {
    static let seconds = 600.0

    var user: Int
    var client: String
    var redirect: String
    var scopes: [String]
    /// SHA-256 of the verifier in base64url (RFC 7636 §4.2).
    var challenge: String?
    var isOffline: Bool
    var expiresAt: Double
}
