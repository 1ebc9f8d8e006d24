/// What signs the certificates of a federation's nodes: a certificate below the root, and its key. The root itself signs
/// nothing from day to day and can be kept away.
public struct Issuer: Sendable {
    public let federation: String
    /// The issuing certificate.
    public let certificate: Certificate
    /// What stands between a node's certificate and the root, and must be shown with it: `certificate` first.
    public let chain: [Certificate]
    let key: PrivateKey

    /// Seconds that a node's certificate lasts, and the most that one may.
    public static let validSeconds = 7 * 86_400
    public static let maximumValidSeconds = 3650 * 86_400
    /// Seconds that a new certificate's validity begins early, for clocks that are behind.
    public static let backdatingSeconds: Int64 = 300
    /// Names beside the URI that a node's certificate carries at most.
    public static let maximumNames = 64
    /// Certificates between a node's and the root's.
    public static let maximumChain = 2

    static let uriPrefix = "spiffe://"

    /// - Parameter chain: the issuing certificate, then what stands above it, without the root.
    /// - Throws: `.unusableCertificate` if it is no authority of a federation, `.unusableKey` if the key is another's.
    public init(chain: [Certificate], key: PrivateKey) throws(TrustError) {
        guard let certificate = chain.first else {
            throw TrustError(.unusableCertificate, "there is no issuing certificate")
        }
        guard chain.count <= Self.maximumChain else {
            throw TrustError(.limitExceeded, "more than \(Self.maximumChain) certificates between nodes and the root")
        }
        guard certificate.isAuthority else {
            throw TrustError(.unusableCertificate, "it is not the certificate of an authority")
        }
        guard ES256.fits(key.handle) else { throw TrustError(.unusableKey, "an issuer's key is on the curve P-256") }
        guard certificate.belongs(to: key) else {
            throw TrustError(.unusableKey, "the key does not belong to the issuing certificate")
        }
        federation = try Self.federation(of: certificate)
        self.certificate = certificate
        self.chain = chain
        self.key = key
    }

    /// Reads the files that `federation create` wrote.
    ///
    /// - Throws: `TrustError` naming the file that cannot be used.
    public init(certificateFile: String, keyFile: String) throws(TrustError) {
        let key = try PrivateKey(pemFile: keyFile)
        try self.init(certificateFile: certificateFile, key: key)
    }

    /// As above, for a key kept elsewhere.
    public init(certificateFile: String, key: PrivateKey) throws(TrustError) {
        let chain = try Certificate.load(pemFile: certificateFile)
        do throws(TrustError) {
            try self.init(chain: chain, key: key)
        } catch { throw TrustError(error.code, "\(certificateFile): \(error.message)") }
    }

    /// The federation that an authority's certificate names by its one URI `spiffe://NAME` (X509-SVID §4.1: a signing
    /// certificate's own id has no path).
    ///
    /// - Throws: `.unusableCertificate`.
    public static func federation(of certificate: Certificate) throws(TrustError) -> String {
        let uris = certificate.uriNames.map { String(decoding: $0, as: UTF8.self) }
        guard uris.count == 1, uris[0].hasPrefix(uriPrefix) else {
            throw TrustError(
                .unusableCertificate, "the certificate does not name its federation by one URI spiffe://NAME")
        }
        let name = String(uris[0].dropFirst(uriPrefix.count))
        guard SPIFFEID.isFederation(name) else {
            throw TrustError(.unusableCertificate, "the certificate names no federation: \(printable(uris[0].utf8))")
        }
        return name
    }

    /// A certificate for a node's key: TLS server and client, exactly one URI, the given names besides. It ends with the
    /// issuer's own at the latest.
    ///
    /// - Parameters:
    ///   - validSeconds: from now; it begins 5 minutes back.
    ///   - now: seconds since 1970.
    ///   - notBefore: it does not begin before this: a certificate must not reach behind the revocation of an earlier one.
    /// - Throws: `.malformedName` for a name of another federation or no name at all; `.limitExceeded`; `.unusableKey`;
    ///   `.unusableCertificate` once the issuer has expired.
    public func issue(
        id: SPIFFEID, publicKey: PublicKey, dnsNames: [String] = [], addresses: [String] = [],
        validSeconds: Int = Issuer.validSeconds, now: Int64 = FederationAuthority.currentSeconds(), notBefore: Int64? = nil
    ) throws(TrustError) -> Certificate {
        guard id.federation == federation else {
            throw TrustError(.malformedName, "\(id) is not of the federation \(federation)")
        }
        guard dnsNames.count + addresses.count <= Self.maximumNames else {
            throw TrustError(.limitExceeded, "more than \(Self.maximumNames) names for one certificate")
        }
        guard (1...Self.maximumValidSeconds).contains(validSeconds) else {
            throw TrustError(.limitExceeded, "a certificate cannot be valid for \(validSeconds) s")
        }
        for name in dnsNames where !Self.isDNSName(name) {
            throw TrustError(.malformedName, "\"\(printable(name.utf8, limit: 64))\" is no DNS name")
        }
        guard ES256.fits(publicKey.handle) else { throw TrustError(.unusableKey, "a node's key is on the curve P-256") }
        guard now < certificate.notAfter else {
            throw TrustError(.unusableCertificate, "the issuer of \(federation) has expired; make a new one")
        }
        let begin = max(now - Self.backdatingSeconds, certificate.notBefore, notBefore ?? .min)
        var builder = CertificateBuilder.leaf(
            "\(id.site)/\(id.node)", from: begin, until: min(now + Int64(validSeconds), certificate.notAfter))
        builder.uris = [id.uri]
        builder.dnsNames = dnsNames
        builder.addresses = addresses
        return try builder.sign(key: publicKey, issuer: certificate, signer: key)
    }

    /// Letters, digits, inner dashes, dots between labels, 253 bytes (RFC 1123 §2.1).
    static func isDNSName(_ name: String) -> Bool { SPIFFEID.isFederation(name.lowercased()) }
}
