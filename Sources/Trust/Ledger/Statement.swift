/// What a federation's operator says to all its nodes. It travels as a JWS (`Statement.type`) signed by a root of the federation or by
/// an issuing certificate below one; anyone may pass it on, nobody else can make one.
public struct Statement: Codable, Sendable, Equatable {
    public var federation: String
    /// Of two statements on the same subject the one with the higher serial holds: max(the last one's + 1, milliseconds since 1970).
    public var serial: UInt64
    /// Seconds since 1970.
    public var issuedAt: UInt64
    /// Base64 DER of the issuing certificate that signed it, then of those between it and the root; empty: a root signed.
    public var signers: [String]
    public var body: Body

    public enum Body: Codable, Sendable, Equatable {
        case bundle(BundleStatement)
        case admission(Admission)
        case revocation(Revocation)
    }

    /// `typ` of the token.
    public static let type = "meshnode-statement+jws"

    public init(federation: String, serial: UInt64, issuedAt: UInt64, signers: [String], body: Body) {
        self.federation = federation
        self.serial = serial
        self.issuedAt = issuedAt
        self.signers = signers
        self.body = body
    }

    /// What it is about: statements of one subject replace each other.
    public var subject: String {
        switch body {
        case .bundle: "bundle"
        case .admission(let admission): "admission/\(admission.site)"
        case .revocation(let revocation): "revocation/\(revocation.site)" + (revocation.node.map { "/\($0)" } ?? "")
        }
    }
}

/// Whom the federation trusts. Signed by a root that was in force before it.
public struct BundleStatement: Codable, Sendable, Equatable {
    /// The federation's roots, base64 DER; two while one takes over from the other.
    public var roots: [String]
    /// Roots of sites that have an authority of their own, good for that site's nodes alone, beside the federation's.
    public var siteRoots: [String: [String]]
    /// Certificates that began before this are to be renewed at once; seconds since 1970.
    public var renewBefore: UInt64?

    public init(roots: [String], siteRoots: [String: [String]] = [:], renewBefore: UInt64? = nil) {
        self.roots = roots
        self.siteRoots = siteRoots
        self.renewBefore = renewBefore
    }
}

/// A site's place in the federation.
public struct Admission: Codable, Sendable, Equatable {
    public var site: String
    /// Domains of identity providers for whose users its nodes may vouch, in lower case; `*`: of any.
    public var domains: [String]
    /// Nodes that it may have.
    public var nodes: Int

    public init(site: String, domains: [String], nodes: Int) {
        self.site = site
        self.domains = domains
        self.nodes = nodes
    }
}

/// The end of a site's or a node's place: certificates of it that began before `revokedAt` are refused everywhere; those of a site also
/// until a newer admission stands.
public struct Revocation: Codable, Sendable, Equatable {
    public var site: String
    /// nil: all of the site's.
    public var node: String?
    /// Seconds since 1970.
    public var revokedAt: UInt64
    /// When the last certificate that it could be about has ended; seconds since 1970. It is forgotten then; a site's once the
    /// site is admitted anew.
    public var expires: UInt64
    public var reason: String

    public init(site: String, node: String? = nil, revokedAt: UInt64, expires: UInt64, reason: String) {
        self.site = site
        self.node = node
        self.revokedAt = revokedAt
        self.expires = expires
        self.reason = reason
    }
}
