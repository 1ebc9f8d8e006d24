/// Decides who a peer is from its certificate.
///
/// The bundle of roots is chosen by the federation and the site that a certificate names, before its path is checked: the
/// authorities of another federation, or of another site, are not even looked at (X509-SVID §5.2). Issuers in between are
/// bounded by their own URI (`IssuerScope`).
public struct PeerVerifier: Sendable {
    /// Who it is, and what that rests on.
    public struct Proof: Sendable {
        public let identity: SPIFFEID
        /// SHA-256 of the root at the end of its path.
        public let root: [UInt8]
    }

    /// The stores of one federation: with a site's own roots where it has some.
    private struct Domain: Sendable {
        let common: TrustStore
        let bySite: [String: TrustStore]
    }

    public let federation: String
    private let domains: [String: Domain]
    private let revoked: @Sendable (SPIFFEID, Certificate) -> PeerRefusal?

    /// Issuers that a peer may send; more are refused unread.
    public static let maximumIntermediatesShown = 8

    /// - Parameter roots: the federation's authorities; two while one takes over from the other.
    public init(federation: String, roots: [Certificate]) {
        self.init(federation: federation, bundle: TrustBundle(serial: 0, roots: roots))
    }

    /// - Parameters:
    ///   - federation: this node's.
    ///   - bundle: of that federation.
    ///   - linked: bundles of other federations, by name. Peers of theirs are accepted as what they are: compare
    ///     `SPIFFEID.federation`.
    ///   - revoked: the refusal of a certificate that was revoked; nil: it was not.
    public init(
        federation: String, bundle: TrustBundle, linked: [String: TrustBundle] = [:],
        revoked: @escaping @Sendable (SPIFFEID, Certificate) -> PeerRefusal? = { _, _ in nil }
    ) {
        self.federation = federation
        domains = linked.merging([federation: bundle]) { _, own in own }.mapValues { bundle in
            Domain(
                common: TrustStore(bundle.roots), bySite: bundle.siteRoots.mapValues { TrustStore(bundle.roots + $0) })
        }
        self.revoked = revoked
    }

    /// - Parameters:
    ///   - intermediates: what else the peer sent, in any order.
    ///   - now: seconds since 1970.
    ///   - expected: whom we called, if we did.
    /// - Throws: the first reason against it.
    public func verify(
        leaf: Certificate, intermediates: [Certificate], now: Int64, expected: (site: String, node: String)? = nil
    ) throws(PeerRefusal) -> SPIFFEID {
        try prove(leaf: leaf, intermediates: intermediates, now: now, expected: expected).identity
    }

    /// As above, with the root that it rests on.
    public func prove(
        leaf: Certificate, intermediates: [Certificate], now: Int64, expected: (site: String, node: String)? = nil
    ) throws(PeerRefusal) -> Proof {
        // 1) What it says of itself, which costs nothing.
        guard !leaf.isAuthority, !leaf.isMarkedAuthority else { throw .notALeaf }
        let identity = try SPIFFEID(of: leaf)
        guard let domain = domains[identity.federation] else {
            throw .otherFederation(found: identity.federation, expected: federation)
        }
        if let reason = leaf.wrongUsage { throw .wrongUsage(reason: reason) }

        // 2) Who stands behind it, as of now.
        guard intermediates.count <= Self.maximumIntermediatesShown else {
            throw .untrustedChain(reason: "more than \(Self.maximumIntermediatesShown) issuers were shown")
        }
        let store = domain.bySite[identity.site] ?? domain.common
        let path = try store.path(leaf: leaf, intermediates: intermediates, now: now)
        if let foreign = path.scopes.first(where: { !$0.covers(identity) }) {
            throw .outOfScope(issuer: foreign.description, node: identity.uri)
        }

        // 3) What the federation said of it since.
        if let refusal = revoked(identity, leaf) { throw refusal }

        // 4) Whether it is the one that was meant.
        if let expected, identity.site != expected.site || identity.node != expected.node {
            throw .unexpectedNode(found: "\(identity.site)/\(identity.node)", expected: "\(expected.site)/\(expected.node)")
        }
        return Proof(identity: identity, root: path.root)
    }

    /// As above, for what a peer showed as one list: its own certificate first.
    public func verify(
        chain: [Certificate], now: Int64, expected: (site: String, node: String)? = nil
    ) throws(PeerRefusal) -> SPIFFEID {
        guard let leaf = chain.first else { throw .noCertificate }
        return try verify(leaf: leaf, intermediates: Array(chain.dropFirst()), now: now, expected: expected)
    }
}

extension SPIFFEID {
    /// The node that a certificate names by its one URI.
    ///
    /// - Throws: `.noIdentity`, `.severalIdentities`, `.malformedIdentity`.
    public init(of leaf: Certificate) throws(PeerRefusal) {
        let uris = leaf.uriNames
        guard let uri = uris.first else { throw .noIdentity }
        guard uris.count == 1 else { throw .severalIdentities }
        guard uri.allSatisfy({ (0x21...0x7e).contains($0) }),
            let identity = try? SPIFFEID(uri: String(decoding: uri, as: UTF8.self))
        else { throw .malformedIdentity(uri: printable(uri)) }
        self = identity
    }
}
