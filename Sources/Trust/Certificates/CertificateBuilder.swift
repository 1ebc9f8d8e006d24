import COpenSSL

/// Everything that goes into a certificate; nothing is checked, so that tests can make wrong ones.
struct CertificateBuilder {
    var commonName: String
    var notBefore: Int64
    var notAfter: Int64
    var uris: [String] = []
    var dnsNames: [String] = []
    var addresses: [String] = []
    /// Extensions in OpenSSL's words (x509v3_config(5)); only fixed text goes here, never names from outside.
    var extensions: [(identifier: Int32, value: String)]

    /// RFC 5280's upper bound for a common name.
    private static let maximumCommonNameBytes = 64
    private static let serialByteCount = 16

    static func authority(_ commonName: String, from: Int64, until: Int64, pathLength: Int = 0) -> CertificateBuilder {
        CertificateBuilder(
            commonName: commonName, notBefore: from, notAfter: until,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:\(pathLength)"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ])
    }

    static func leaf(_ commonName: String, from: Int64, until: Int64) -> CertificateBuilder {
        CertificateBuilder(
            commonName: commonName, notBefore: from, notAfter: until,
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth,clientAuth"),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid"),
            ])
    }

    /// - Parameters:
    ///   - key: what the certificate is about.
    ///   - issuer: who signs; nil signs with `signer` under the certificate's own name.
    ///   - digest: name of the digest, of the signature.
    func sign(
        key: PublicKey, issuer: Certificate?, signer: PrivateKey, digest: String = "SHA256"
    ) throws(TrustError) -> Certificate {
        ERR_clear_error()
        guard let made = X509_new() else { throw .library("make a certificate") }
        do throws(TrustError) {
            try fill(made, key: key, issuer: issuer)
            guard let algorithm = EVP_get_digestbyname(digest), X509_sign(made, signer.handle, algorithm) > 0 else {
                throw .library("sign a certificate")
            }
        } catch {
            X509_free(made)
            throw error
        }
        return try Certificate(adopting: made)
    }

    /// As above, for a key of which both halves are here.
    func sign(
        key: PrivateKey, issuer: Certificate?, signer: PrivateKey, digest: String = "SHA256"
    ) throws(TrustError) -> Certificate {
        try sign(key: try key.publicKey(), issuer: issuer, signer: signer, digest: digest)
    }

    private func fill(_ made: OpaquePointer, key: PublicKey, issuer: Certificate?) throws(TrustError) {
        let subject = X509_get_subject_name(made)
        let name = Array(commonName.utf8.prefix(Self.maximumCommonNameBytes))
        guard X509_set_version(made, 2) == 1, setSerial(made), setTime(X509_getm_notBefore(made), notBefore),
            setTime(X509_getm_notAfter(made), notAfter), X509_set_pubkey(made, key.handle) == 1,
            X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, name, Int32(name.count), -1, 0) == 1,
            X509_set_issuer_name(made, issuer.map { X509_get_subject_name($0.handle) } ?? subject) == 1
        else { throw .library("fill a certificate") }
        try addNames(made)
        for entry in extensions {
            var context = X509V3_CTX()
            X509V3_set_ctx(&context, issuer?.handle ?? made, made, nil, nil, 0)
            guard let found = X509V3_EXT_nconf_nid(nil, &context, entry.identifier, entry.value) else {
                throw .library("make the certificate extension \(entry.value)")
            }
            defer { X509_EXTENSION_free(found) }
            guard X509_add_ext(made, found, -1) == 1 else { throw .library("add a certificate extension") }
        }
    }

    private func setTime(_ field: UnsafeMutablePointer<ASN1_TIME>?, _ seconds: Int64) -> Bool {
        ASN1_TIME_set(field, Int(seconds)) != nil
    }

    /// 128 random bits: unique without a register, and not to be guessed (CA/Browser Forum BR §7.1 asks for 64).
    private func setSerial(_ made: OpaquePointer) -> Bool {
        let bytes = Random.bytes(Self.serialByteCount)
        guard let number = BN_bin2bn(bytes, Int32(bytes.count), nil) else { return false }
        defer { BN_free(number) }
        return BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made)) != nil
    }

    private func addNames(_ made: OpaquePointer) throws(TrustError) {
        let subject = SubjectNames(uris: uris, dnsNames: dnsNames, addresses: addresses)
        guard !subject.isEmpty else { return }
        let names = try subject.encoded()
        defer { mesh_GENERAL_NAMES_free(names) }
        guard X509_add1_ext_i2d(made, NID_subject_alt_name, UnsafeMutableRawPointer(names), 0, 0) == 1 else {
            throw .library("add names to a certificate")
        }
    }
}
