import FoundationEssentials

/// What is asked for when a site is invited.
public struct InviteOrder: Sendable, Equatable {
    public var site: String
    /// Nodes that may join by it.
    public var nodes = 1
    public var expiresInSeconds: Int64 = 86_400
    /// Domains of identity providers that the site may vouch for; nil: as before, and none for a new site.
    public var domains: [String]?
    /// The site is a member already: these nodes are added.
    public var addsNodes = false
    /// Where the site is to ask, `HOST:PORT`; nil: at the mesh port of the node that invites, as it is advertised.
    public var address: String?

    public static let nodesAllowed = 1...1000
    public static let expiresInSecondsAllowed: ClosedRange<Int64> = 60...2_592_000
    public static let domainsAllowed = 256
    /// Bytes of a request to invite.
    public static let bodyBytes = 32_768

    public init(site: String) { self.site = site }
}

/// An invitation that was made. Its token is shown this once.
public struct Invitation: Sendable {
    public var token: String
    public var site: String
    public var nodes: Int
    public var domains: [String]
    /// Seconds since 1970.
    public var expiresAt: Int64
    public var address: String

    public init(token: String, site: String, nodes: Int, domains: [String], expiresAt: Int64, address: String) {
        self.token = token
        self.site = site
        self.nodes = nodes
        self.domains = domains
        self.expiresAt = expiresAt
        self.address = address
    }
}

/// Who makes invitations: a registration authority.
public protocol Inviting: Sendable {
    /// - Parameter operator: who asked.
    func invite(_ order: InviteOrder, by operator: String) async throws(APIError) -> Invitation
}

extension InviteOrder {
    private struct Body: Decodable {
        var site: String
        var nodes: Int?
        var expiresInSeconds: Int64?
        var domains: [String]?
        var addsNodes: Bool?
        var address: String?
    }

    /// Reads the body of `POST /mesh/federation/invites`, and holds every part to its limits.
    init(json: [UInt8]) throws(APIError) {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(json)) else {
            throw APIError(400, code: "invalid_json", "the body is not a JSON object with a \"site\"")
        }
        func fail(_ name: String, _ message: String) -> APIError {
            APIError(400, code: "invalid_parameter", parameter: name, message)
        }
        self.init(site: body.site)
        nodes = body.nodes ?? nodes
        expiresInSeconds = body.expiresInSeconds ?? expiresInSeconds
        domains = body.domains.map { $0.map { $0.lowercased() } }
        addsNodes = body.addsNodes ?? false
        address = body.address
        guard Self.nodesAllowed.contains(nodes) else {
            throw fail("nodes", "nodes takes \(Self.nodesAllowed.lowerBound) to \(Self.nodesAllowed.upperBound)")
        }
        guard Self.expiresInSecondsAllowed.contains(expiresInSeconds) else {
            throw fail("expiresInSeconds", "an invitation lasts 1 minute to 30 days")
        }
        guard (domains ?? []).count <= Self.domainsAllowed else {
            throw fail("domains", "at most \(Self.domainsAllowed) domains")
        }
    }
}
