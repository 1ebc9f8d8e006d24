/// What the commands read of `GET /mesh/federation`.
struct FederationAnswer: Decodable {
    struct Own: Decodable {
        var site: String
        var node: String
        var revoked: String?
        var issuer: String?
    }
    struct Root: Decodable {
        var sha256: String
        var subject: String
        var expires: String
    }
    struct Bundle: Decodable {
        var serial: UInt64
        var renewBefore: String?
        var roots: [Root]
    }
    struct Member: Decodable {
        var site: String
        var node: String
        var state: String
        var certificateExpires: String?
        var root: String?
        var issues: Bool
        var bundle: UInt64
        var ledger: String?

        var name: String { "\(site)/\(node)" }
        var isAlive: Bool { state == "alive" || state == "suspect" }
    }
    struct Revocation: Decodable {
        var site: String
        var node: String?
        var revokedAt: String
        var expires: String
        var reason: String
    }
    enum CodingKeys: String, CodingKey {
        case federation, ledger, bundle, members, revocations, statements
        case own = "self"
    }
    var federation: String
    var own: Own
    var ledger: String
    var bundle: Bundle
    var members: [Member]
    var revocations: [Revocation]
    var statements: [String]

    static func fetch(_ client: NodeClient) throws(CommandFailure) -> FederationAnswer {
        try decode(FederationAnswer.self, try client.get("/mesh/federation"))
    }
}
