/// Decides who a peer is from its certificate.
///
/// The federation is compared before the path is checked: the authorities that count are chosen by the federation that a
/// certificate names, so that no other federation's authority can speak for a node of this one (X509-SVID §5.2).
public struct PeerVerifier: Sendable {
    public let federation: String
    private let store: TrustStore

    /// Issuers that a peer may send; more are refused unread.
    public static let maximumIntermediatesShown = 8

    /// - Parameter roots: the federation's authorities; two while one takes over from the other.
    public init(federation: String, roots: [Certificate]) {
        self.federation = federation
        store = TrustStore(roots)
    }

    /// - Parameters:
    ///   - intermediates: what else the peer sent, in any order.
    ///   - now: seconds since 1970.
    ///   - expected: whom we called, if we did.
    /// - Throws: the first reason against it.
    public func verify(
        leaf: Certificate, intermediates: [Certificate], now: Int64, expected: (site: String, node: String)? = nil
    ) throws(PeerRefusal) -> SPIFFEID {
        // 1) What it says of itself, which costs nothing.
        guard !leaf.isAuthority else { throw .notALeaf }
        let identity = try identity(of: leaf)
        guard identity.federation == federation else {
            throw .otherFederation(found: identity.federation, expected: federation)
        }
        if let reason = leaf.wrongUsage { throw .wrongUsage(reason: reason) }

        // 2) Who stands behind it, as of now.
        guard intermediates.count <= Self.maximumIntermediatesShown else {
            throw .untrustedChain(reason: "more than \(Self.maximumIntermediatesShown) issuers were shown")
        }
        if let refusal = store.failure(leaf: leaf, intermediates: intermediates, now: now) { throw refusal }

        // 3) Whether it is the one that was meant.
        if let expected, identity.site != expected.site || identity.node != expected.node {
            throw .unexpectedNode(found: "\(identity.site)/\(identity.node)", expected: "\(expected.site)/\(expected.node)")
        }
        return identity
    }

    /// As above, for what a peer showed as one list: its own certificate first.
    public func verify(
        chain: [Certificate], now: Int64, expected: (site: String, node: String)? = nil
    ) throws(PeerRefusal) -> SPIFFEID {
        guard let leaf = chain.first else { throw .noCertificate }
        return try verify(leaf: leaf, intermediates: Array(chain.dropFirst()), now: now, expected: expected)
    }

    private func identity(of leaf: Certificate) throws(PeerRefusal) -> SPIFFEID {
        let uris = leaf.uriNames
        guard let uri = uris.first else { throw .noIdentity }
        guard uris.count == 1 else { throw .severalIdentities }
        guard uri.allSatisfy({ (0x21...0x7e).contains($0) }),
            let identity = try? SPIFFEID(uri: String(decoding: uri, as: UTF8.self))
        else { throw .malformedIdentity(uri: printable(uri)) }
        return identity
    }
}
