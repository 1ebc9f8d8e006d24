import COpenSSL
import Glibc

/// A federation's root of trust: the certificate that every node trusts and the key that signs theirs.
///
/// It is kept as `ca.pem` (0644) and `ca.key` (0600) in one directory, and names its federation by the URI
/// `spiffe://<federation>` (X509-SVID §4.1: a signing certificate's own id has no path).
public struct FederationAuthority: Sendable {
    public let federation: String
    public let certificate: Certificate
    private let key: PrivateKey

    /// Seconds that a new certificate's validity begins early, for clocks that are behind.
    public static let backdatingSeconds: Int64 = 300
    /// Days that an authority lasts at most, and names that a node's certificate carries at most.
    public static let maximumValidDays = 36_500
    public static let maximumNames = 64

    private static let secondsPerDay: Int64 = 86_400
    private static let uriPrefix = "spiffe://"

    private init(federation: String, certificate: Certificate, key: PrivateKey) {
        self.federation = federation
        self.certificate = certificate
        self.key = key
    }

    /// Makes a new authority and writes both files; the directory is made if it is not there.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Throws: `.alreadyExists` if either file is there: an authority is never overwritten; `.malformedName`; `.file`.
    public static func create(
        federation: String, directory: String, validDays: Int, now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> FederationAuthority {
        guard SPIFFEID.isFederation(federation) else {
            throw TrustError(.malformedName, "\"\(printable(federation.utf8, limit: 64))\" cannot name a federation")
        }
        guard (1...maximumValidDays).contains(validDays) else {
            throw TrustError(.limitExceeded, "an authority lasts 1 to \(maximumValidDays) days, not \(validDays)")
        }
        try SecretFile.makeDirectory(directory)
        for path in [certificatePath(directory), keyPath(directory)] where access(path, F_OK) == 0 {
            throw TrustError(
                .alreadyExists, "\(path) is there already; remove it if the federation \(federation) is to begin anew")
        }
        let key = try PrivateKey.generate()
        var builder = CertificateBuilder.authority(
            "\(federation) mesh authority", from: now - backdatingSeconds, until: now + Int64(validDays) * secondsPerDay)
        builder.uris = [uriPrefix + federation]
        let certificate = try builder.sign(key: key, issuer: nil, signer: key)
        try key.write(pemFile: keyPath(directory))
        try certificate.write(pemFile: certificatePath(directory))
        return FederationAuthority(federation: federation, certificate: certificate, key: key)
    }

    /// Reads the files that `create` wrote.
    ///
    /// - Throws: `TrustError` naming the file that cannot be used.
    public static func load(directory: String) throws(TrustError) -> FederationAuthority {
        let path = certificatePath(directory)
        let certificate = try Certificate(pemFile: path)
        let key = try PrivateKey(pemFile: keyPath(directory))
        guard certificate.isAuthority else {
            throw TrustError(.unusableCertificate, "\(path) is not the certificate of an authority")
        }
        guard certificate.belongs(to: key) else {
            throw TrustError(.unusableKey, "\(keyPath(directory)) does not belong to \(path)")
        }
        let uris = certificate.uriNames.map { String(decoding: $0, as: UTF8.self) }
        guard uris.count == 1, uris[0].hasPrefix(uriPrefix) else {
            throw TrustError(.unusableCertificate, "\(path) does not name its federation by one URI spiffe://NAME")
        }
        let federation = String(uris[0].dropFirst(uriPrefix.count))
        guard SPIFFEID.isFederation(federation) else {
            throw TrustError(.unusableCertificate, "\(path) names no federation: \(printable(uris[0].utf8))")
        }
        return FederationAuthority(federation: federation, certificate: certificate, key: key)
    }

    /// A certificate for a node's key: TLS server and client, exactly one URI, the given names besides. It ends with the
    /// authority's own at the latest.
    ///
    /// - Parameters:
    ///   - validSeconds: from now; it begins 5 minutes back.
    ///   - now: seconds since 1970.
    /// - Throws: `.malformedName` for a name of another federation or no name at all; `.limitExceeded`;
    ///   `.unusableCertificate` once the authority has expired.
    public func issue(
        id: SPIFFEID, key nodeKey: PrivateKey, dnsNames: [String], addresses: [String], validSeconds: Int,
        now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> Certificate {
        guard id.federation == federation else {
            throw TrustError(.malformedName, "\(id) is not of the federation \(federation)")
        }
        guard dnsNames.count + addresses.count <= Self.maximumNames else {
            throw TrustError(.limitExceeded, "more than \(Self.maximumNames) names for one certificate")
        }
        guard (1...Self.maximumValidDays * Int(Self.secondsPerDay)).contains(validSeconds) else {
            throw TrustError(.limitExceeded, "a certificate cannot be valid for \(validSeconds) s")
        }
        for name in dnsNames where !Self.isDNSName(name) {
            throw TrustError(.malformedName, "\"\(printable(name.utf8, limit: 64))\" is no DNS name")
        }
        guard ES256.fits(nodeKey.handle) else { throw TrustError(.unusableKey, "a node's key is on the curve P-256") }
        guard now < certificate.notAfter else {
            throw TrustError(.unusableCertificate, "the authority of \(federation) has expired; make a new one")
        }
        var builder = CertificateBuilder.leaf(
            "\(id.site)/\(id.node)", from: max(now - Self.backdatingSeconds, certificate.notBefore),
            until: min(now + Int64(validSeconds), certificate.notAfter))
        builder.uris = [id.uri]
        builder.dnsNames = dnsNames
        builder.addresses = addresses
        return try builder.sign(key: nodeKey, issuer: certificate, signer: key)
    }

    /// The machine's clock: seconds since 1970.
    public static func currentSeconds() -> Int64 { Int64(time(nil)) }

    static func certificatePath(_ directory: String) -> String { directory + "/ca.pem" }
    static func keyPath(_ directory: String) -> String { directory + "/ca.key" }

    /// Letters, digits, inner dashes, dots between labels, 253 bytes (RFC 1123 §2.1).
    private static func isDNSName(_ name: String) -> Bool { SPIFFEID.isFederation(name.lowercased()) }
}
