import Glibc

extension FederationAuthority {
    /// Sees that the folder can take a new federation.
    static func prepare(_ directory: String, federation: String, keepsIssuerKey: Bool = false) throws(TrustError) {
        try SecretFile.makeDirectory(directory)
        var paths = [
            certificatePath(directory), keyPath(directory), issuerPath(directory), bundlePath(directory),
            describedPath(directory),
        ]
        if !keepsIssuerKey { paths.append(issuerKeyPath(directory)) }
        for path in paths where access(path, F_OK) == 0 {
            throw TrustError(
                .alreadyExists,
                "\(path) is there already; give another --directory, or remove it if \(federation) is to begin anew")
        }
    }

    /// Writes what is public, and last the file that says that all is there.
    static func finish(
        _ directory: String, _ federation: String, _ root: Certificate, _ issuer: Issuer, _ bundle: [UInt8]?, now: Int64
    ) throws(TrustError) -> FederationAuthority {
        try issuer.certificate.write(pemFile: issuerPath(directory), issuers: Array(issuer.chain.dropFirst()))
        try root.write(pemFile: certificatePath(directory))
        if let bundle { try PublicFile.write(bundlePath(directory), bundle + [UInt8(ascii: "\n")]) }
        // A federation's name has no character that JSON would escape.
        let described = #"{"name":"\#(federation)","created":"\#(utcText(now))"}"# + "\n"
        try PublicFile.write(describedPath(directory), Array(described.utf8))
        return FederationAuthority(federation: federation, root: root, issuer: issuer, bundle: bundle)
    }

    /// The first half of founding under an authority that signs by hand: makes the issuer's key, and a request for its
    /// certificate. Asked again it gives a request for the same key.
    public static func request(federation: String, directory: String) throws(TrustError) -> CertificateRequest {
        guard SPIFFEID.isFederation(federation) else {
            throw TrustError(.malformedName, "\"\(printable(federation.utf8, limit: 64))\" cannot name a federation")
        }
        try prepare(directory, federation: federation, keepsIssuerKey: true)
        let key: PrivateKey
        if access(issuerKeyPath(directory), F_OK) == 0 {
            key = try PrivateKey(pemFile: issuerKeyPath(directory))
        } else {
            key = try PrivateKey.generate()
            try key.write(pemFile: issuerKeyPath(directory))
        }
        return try CertificateRequest(
            key: key, commonName: "\(federation) mesh issuer", names: SubjectNames(uris: [Issuer.uriPrefix + federation]),
            purpose: .issuer)
    }

    /// The second half: takes what the authority signed.
    ///
    /// - Parameters:
    ///   - chain: the issuing certificate, then what stands between it and the root.
    ///   - root: the authority's own certificate.
    /// - Throws: `.unusableCertificate` if nodes could not be verified by it.
    public static func complete(
        federation: String, directory: String, chain: [Certificate], root: Certificate,
        now: Int64 = FederationAuthority.currentSeconds()
    ) throws(TrustError) -> FederationAuthority {
        try prepare(directory, federation: federation, keepsIssuerKey: true)
        let key = try PrivateKey(pemFile: issuerKeyPath(directory))
        // Some authorities send their root along.
        let chain = chain.filter { $0.thumbprint != root.thumbprint }
        let issuer = try Issuer(chain: chain, key: key)
        guard issuer.federation == federation else {
            throw TrustError(
                .unusableCertificate, "the certificate is of the federation \(issuer.federation), not of \(federation)")
        }
        try prove(issuer, root: root, now: now)
        return try finish(directory, federation, root, issuer, nil, now: now)
    }

    /// Issues a certificate for the trial, and verifies it as a node would.
    private static func prove(_ issuer: Issuer, root: Certificate, now: Int64) throws(TrustError) {
        let id = try SPIFFEID(federation: issuer.federation, site: "trial", node: "trial")
        let leaf = try issuer.issue(
            id: id, publicKey: try PrivateKey.generate().publicKey(), validSeconds: 60, now: now)
        do throws(PeerRefusal) {
            _ = try PeerVerifier(federation: issuer.federation, roots: [root]).verify(
                leaf: leaf, intermediates: issuer.chain, now: now)
        } catch {
            throw TrustError(
                .unusableCertificate, "nodes could not be verified by this issuing certificate and root: \(error)")
        }
    }
}
