import FoundationEssentials
import Gossip

/// What an entry node says of a user to one serving site (DESIGN.md §5): the payload of a JWS with `typ` `IdentityLimits.type`.
struct IdentityClaims: Codable, Sendable {
    /// The entry node, `site/node`.
    var iss: String
    /// The serving site.
    var aud: String
    var federation: String
    /// Seconds since 1970.
    var iat: UInt64
    var exp: UInt64
    var user: UserIdentity

    func encode() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    static func decode(_ payload: [UInt8]) throws -> IdentityClaims {
        try JSONDecoder().decode(IdentityClaims.self, from: Data(payload))
    }
}

/// What both ends hold to.
public enum IdentityLimits {
    /// Tells these statements from all others that the same key signs.
    public static let type = "meshnode-identity+jws"
    /// The longest a statement may last.
    public static let lifetimeSeconds: UInt64 = 60
    /// How far two nodes' clocks may be apart (DESIGN.md §5).
    public static let leewaySeconds: UInt64 = 30
    /// Bytes of a token: half of what a request's head may have (`HTTPLimits`).
    public static let tokenBytes = 32_768
    /// Groups in one statement. Of a user with more, only those that the serving site's rules ask for are told.
    public static let groups = 500
    public static let policies = 64
    /// Bytes of a subject, a name, a domain, a UUID.
    public static let textBytes = 256

    /// Whether an identity keeps to these limits.
    static func hold(_ user: UserIdentity) -> Bool {
        let texts = [user.subject, user.username, user.identityProvider ?? "", user.domain ?? ""]
        return !user.subject.isEmpty && user.groups.count <= groups && user.policies.count <= policies
            && texts.allSatisfy { $0.utf8.count <= textBytes } && user.groups.allSatisfy { $0.utf8.count <= textBytes }
            && user.policies.allSatisfy { $0.utf8.count <= textBytes }
    }
}
