import Gossip
import Routing
import Trust

/// A certificate is renewed over the mesh: the node makes a new key and sends a request signed by it to a registration authority,
/// over a link that its present certificate proves. It gets a certificate of exactly the same name.
enum Renewal {
    /// On the mesh port. Body: a PKCS #10 request in DER. Answer: the certificate and its issuers in PEM.
    static let path: StaticString = "/meshnode/v1/renew"
    static let requestBytes = CertificateRequest.maximumBytes
    static let answerBytes = 256 << 10
    static let contentType: StaticString = "application/pem-certificate-chain"

    /// The names of the certificate that is renewed, and the new key.
    ///
    /// - Parameters:
    ///   - previous: the certificate that proves the link: its names are the new one's.
    ///   - revokedAt: the new one does not reach behind this.
    static func issue(
        _ request: CertificateRequest, like previous: Certificate, of node: NodeID, by issuer: Issuer, revokedAt: Int64?
    ) throws(TrustError) -> [Certificate] {
        let id = try SPIFFEID(federation: issuer.federation, site: node.site, node: node.node)
        let leaf = try issuer.issue(
            id: id, publicKey: request.publicKey, dnsNames: previous.dnsNames, addresses: previous.addresses,
            now: PeerGate.now, notBefore: revokedAt)
        return [leaf] + issuer.chain
    }
}

/// How the renewal of this node's certificate stands.
struct RenewalState {
    /// Seconds since 1970 of the next try; nil: to be computed from the certificate.
    var nextTry: Double?
    var isUnderWay = false
    /// Tries that failed since the certificate came.
    var failures = 0
    var renewals = 0
    /// The bundle whose wish to renew was planned for.
    var plannedForBundle: UInt64 = 0
}

/// Why a certificate was not renewed.
struct RenewalFailure: Error, CustomStringConvertible {
    var description: String
}
