import COpenSSL
import Glibc

/// A federation's folder: the root that every node trusts, and the issuer that signs their certificates day by day.
///
/// `root.pem`, `root.key` (encrypted; absent where the key is kept elsewhere), `issuer.pem` and `issuer.key` (0600),
/// `bundle.jws` (what nodes trust, signed by the root), and, written last, `federation.json`. Only `issuer.*` are needed where
/// the federation runs; the root's key can be put away.
public struct FederationAuthority: Sendable {
    public let federation: String
    /// The root's certificate.
    public let root: Certificate
    public let issuer: Issuer
    /// The statement of what nodes trust, signed by the root; nil where the root's key cannot sign one.
    public let bundle: [UInt8]?

    /// Days that a root lasts at most, and by default.
    public static let maximumValidDays = 36_500
    public static let validDays = 3650
    /// Seconds that a root and an issuer begin early, for clocks that are behind.
    public static let backdatingSeconds = Issuer.backdatingSeconds
    private static let secondsPerDay: Int64 = 86_400

    /// Where the root's key comes from, and is kept.
    public enum Root: Sendable {
        /// A new key in the folder, encrypted by the passphrase; without one in the clear, for federations on one machine.
        case made(passphrase: [UInt8]?)
        /// A new root for a key that stays where it is (PKCS #11, a store of OpenSSL).
        case held(PrivateKey)
        /// An authority that is there already: its certificate, self-signed, and its key.
        case existing(Certificate, PrivateKey)
    }

    /// Makes a new federation and writes its folder, which is made if it is not there.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Throws: `.alreadyExists` if any of its files is there: a federation is never overwritten; `.malformedName`; `.file`;
    ///   `.unusableCertificate` for an authority that cannot sign an issuer.
    public static func create(
        federation: String, directory: String, root: Root = .made(passphrase: nil),
        validDays: Int = FederationAuthority.validDays, now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> FederationAuthority {
        try check(federation: federation, validDays: validDays)
        try prepare(directory, federation: federation)
        let until = now + Int64(validDays) * secondsPerDay
        let rootKey: PrivateKey
        let certificate: Certificate
        switch root {
        case .made(let passphrase):
            rootKey = try PrivateKey.generate()
            certificate = try selfSigned(federation, rootKey, now: now, until: until)
            if let passphrase {
                try rootKey.write(pemFile: keyPath(directory), passphrase: passphrase)
            } else {
                try rootKey.write(pemFile: keyPath(directory))
            }
        case .held(let key):
            rootKey = key
            certificate = try selfSigned(federation, rootKey, now: now, until: until)
        case .existing(let known, let key):
            try check(existing: known, key, now: now)
            rootKey = key
            certificate = known
        }
        let issuerKey = try PrivateKey.generate()
        try issuerKey.write(pemFile: issuerKeyPath(directory))
        let issuing = try sign(
            issuerKey.publicKey(), federation, by: certificate, rootKey, now: now, until: min(until, certificate.notAfter))
        let issuer = try Issuer(chain: [issuing], key: issuerKey)
        let bundle = try firstBundle(federation, root: certificate, key: rootKey, issuer: issuer, now: now)
        return try finish(directory, federation, certificate, issuer, bundle, now: now)
    }

    /// Reads a federation's folder.
    ///
    /// - Throws: `TrustError` naming the file that cannot be used.
    public static func load(directory: String) throws(TrustError) -> FederationAuthority {
        let root = try Certificate(pemFile: certificatePath(directory))
        let issuer = try Issuer(certificateFile: issuerPath(directory), keyFile: issuerKeyPath(directory))
        guard access(describedPath(directory), F_OK) == 0 else {
            throw TrustError(.file, "\(directory) is not finished: \(describedPath(directory)) is missing")
        }
        var bundle: [UInt8]?
        if access(bundlePath(directory), F_OK) == 0 {
            bundle = try PublicFile.read(bundlePath(directory)).filter { $0 > 0x20 }
        }
        return FederationAuthority(federation: issuer.federation, root: root, issuer: issuer, bundle: bundle)
    }

    /// A certificate for a node of which the key is here too. See `Issuer.issue`.
    public func issue(
        id: SPIFFEID, key nodeKey: PrivateKey, dnsNames: [String], addresses: [String], validSeconds: Int,
        now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> Certificate {
        try issuer.issue(
            id: id, publicKey: try nodeKey.publicKey(), dnsNames: dnsNames, addresses: addresses,
            validSeconds: validSeconds, now: now)
    }

    /// The machine's clock: seconds since 1970.
    public static func currentSeconds() -> Int64 { Int64(time(nil)) }

    // MARK: Parts

    private static func check(federation: String, validDays: Int) throws(TrustError) {
        guard SPIFFEID.isFederation(federation) else {
            throw TrustError(
                .malformedName,
                "\"\(printable(federation.utf8, limit: 64))\" cannot name a federation: a-z, 0-9 and - inside, dots between labels"
            )
        }
        guard (1...maximumValidDays).contains(validDays) else {
            throw TrustError(.limitExceeded, "an authority lasts 1 to \(maximumValidDays) days, not \(validDays)")
        }
    }

    static func selfSigned(
        _ federation: String, _ key: PrivateKey, now: Int64, until: Int64
    ) throws(TrustError) -> Certificate {
        var builder = CertificateBuilder.authority(
            "\(federation) mesh root", from: now - backdatingSeconds, until: until, pathLength: 1)
        builder.uris = [Issuer.uriPrefix + federation]
        return try builder.sign(key: key, issuer: nil, signer: key)
    }

    /// The issuing certificate of a federation, below its root.
    static func sign(
        _ issuerKey: PublicKey, _ federation: String, by root: Certificate, _ rootKey: PrivateKey, now: Int64, until: Int64
    ) throws(TrustError) -> Certificate {
        var builder = CertificateBuilder.authority(
            "\(federation) mesh issuer", from: max(now - backdatingSeconds, root.notBefore), until: until)
        builder.extensions.append((NID_authority_key_identifier, "keyid"))
        builder.uris = [Issuer.uriPrefix + federation]
        return try builder.sign(key: issuerKey, issuer: root, signer: rootKey)
    }

    private static func check(existing root: Certificate, _ key: PrivateKey, now: Int64) throws(TrustError) {
        guard root.isAuthority else {
            throw TrustError(.unusableCertificate, "\(root.subject) is not the certificate of an authority")
        }
        guard root.issuer == root.subject else {
            throw TrustError(
                .unusableCertificate,
                "\(root.subject) is itself signed by \(root.issuer); give the root, or use --csr-out and --cert-in")
        }
        guard root.allowsIssuers else {
            throw TrustError(
                .unusableCertificate,
                "\(root.subject) may sign no further authority (its path length is 0); give one that may")
        }
        guard root.belongs(to: key) else {
            throw TrustError(.unusableKey, "the key does not belong to the certificate of \(root.subject)")
        }
        guard now < root.notAfter else {
            throw TrustError(.unusableCertificate, "\(root.subject) has expired on \(utcText(root.notAfter))")
        }
    }

    static func certificatePath(_ directory: String) -> String { directory + "/root.pem" }
    static func keyPath(_ directory: String) -> String { directory + "/root.key" }
    static func issuerPath(_ directory: String) -> String { directory + "/issuer.pem" }
    static func issuerKeyPath(_ directory: String) -> String { directory + "/issuer.key" }
    static func bundlePath(_ directory: String) -> String { directory + "/bundle.jws" }
    static func describedPath(_ directory: String) -> String { directory + "/federation.json" }
}
