extension Statement {
    /// Bytes of a token, and how much may stand in one.
    public static let maximumBytes = 262_144
    static let maximumRoots = 8
    static let maximumSiteRoots = 1024
    static let maximumSigners = 2
    public static let maximumDomains = 256
    public static let maximumReasonBytes = 512
    /// Nodes of one site.
    public static let maximumNodes = 10_000

    /// Whether names and counts are what they may be.
    var holdsLimits: Bool {
        guard signers.count <= Self.maximumSigners, serial > 0 else { return false }
        switch body {
        case .bundle(let bundle):
            return (1...Self.maximumRoots).contains(bundle.roots.count) && bundle.siteRoots.count <= Self.maximumSiteRoots
                && bundle.siteRoots.allSatisfy { SPIFFEID.isLabel($0.key) && $0.value.count <= Self.maximumRoots }
        case .admission(let admission):
            return SPIFFEID.isLabel(admission.site) && (0...Self.maximumNodes).contains(admission.nodes)
                && admission.domains.count <= Self.maximumDomains
                && admission.domains.allSatisfy { $0 == Admission.anyDomain || SPIFFEID.isFederation($0) }
        case .revocation(let revocation):
            return SPIFFEID.isLabel(revocation.site) && revocation.node.map(SPIFFEID.isLabel) ?? true
                && revocation.reason.utf8.count <= Self.maximumReasonBytes && revocation.expires > revocation.revokedAt
        }
    }
}

extension Admission {
    /// Stands for every domain: for a federation of one's own.
    public static let anyDomain = "*"

    /// Whether the site may vouch for users of this domain.
    public func vouches(for domain: String) -> Bool { domains.contains(domain) || domains.contains(Self.anyDomain) }
}
