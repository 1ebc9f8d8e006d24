/// Why a peer's certificate is not accepted: a case for each thing an operator would do something else about.
public enum PeerRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The peer showed none.
    case noCertificate
    /// Its time is over: seconds since 1970.
    case expired(notAfter: Int64)
    /// Its time has not begun: seconds since 1970. Often a wrong clock.
    case notYetValid(notBefore: Int64)
    /// No path to the federation's authority.
    case untrustedChain(reason: String)
    /// Not made for both ends of a mesh link.
    case wrongUsage(reason: String)
    /// No URI among its names.
    case noIdentity
    /// More than one (X509-SVID §2: they must be refused).
    case severalIdentities
    /// Its URI is not `spiffe://federation/site/name/node/name`.
    case malformedIdentity(uri: String)
    /// It is of another federation, whatever its chain says.
    case otherFederation(found: String, expected: String)
    /// An authority's certificate, which must not speak for itself (X509-SVID §4.1).
    case notALeaf
    /// A key below 112 bits of strength (NIST SP 800-57), here or in an issuer.
    case weakKey
    /// A node's key of another kind than the one that nodes sign with, or one here or in an issuer that FIPS does not allow.
    case unsuitableKey(reason: String)
    /// A signature by a digest below 112 bits, here or in an issuer.
    case weakSignature
    /// An issuer in its path may not sign for that site: `issuer` is what it says of itself.
    case outOfScope(issuer: String, node: String)
    /// The federation's operator withdrew it (seconds since 1970), for a reason of theirs.
    case revoked(at: Int64, reason: String)
    /// Good, but of another node than the one that was called: `site/node`.
    case unexpectedNode(found: String, expected: String)

    public var description: String {
        switch self {
        case .noCertificate: "the peer showed no certificate"
        case .expired(let notAfter): "the certificate has expired on \(utcText(notAfter)): renew it"
        case .notYetValid(let notBefore): "the certificate is not valid before \(utcText(notBefore)): compare the clocks"
        case .untrustedChain(let reason): "the certificate is not trusted by this federation: \(reason)"
        case .wrongUsage(let reason): "the certificate is not made for mesh links: \(reason)"
        case .noIdentity: "the certificate carries no URI that names a node"
        case .severalIdentities: "the certificate carries more than one URI: which node it names cannot be told"
        case .malformedIdentity(let uri):
            "the certificate names no node: \(uri) is not spiffe://federation/site/name/node/name"
        case .otherFederation(let found, let expected):
            "the certificate is of the federation \(found), this node is of \(expected)"
        case .notALeaf: "the certificate is an authority's, not a node's"
        case .weakKey: "the certificate or one of its issuers has a key that is too weak"
        case .unsuitableKey(let reason): "the certificate's key, or that of one of its issuers, is not used here: \(reason)"
        case .weakSignature: "the certificate or one of its issuers is signed with a digest that is too weak"
        case .outOfScope(let issuer, let node):
            "the certificate names \(node), and an issuer of it (\(issuer)) may not sign for that site"
        case .revoked(let at, let reason):
            "the certificate was revoked on \(utcText(at)) by the federation's operator: \(printable(reason.utf8))"
        case .unexpectedNode(let found, let expected): "the certificate is of the node \(found), not of \(expected)"
        }
    }
}
