import COpenSSL

/// A request for a certificate (PKCS #10, RFC 2986): a public key, signed with its other half, so that nobody can have a
/// certificate made for a key that is not theirs.
///
/// Of what it asks for only the key counts here: names are given by whoever signs. The names and uses are in it for
/// authorities that copy them (`openssl x509 -req -copy_extensions copyall`, step-ca).
public struct CertificateRequest: Sendable {
    /// The encoded request.
    public let der: [UInt8]
    /// The key that the certificate is to be about; on P-256.
    public let publicKey: PublicKey
    /// The subject asked for, after RFC 2253; for people, and not to be believed.
    public let subject: String
    /// The URIs among the names asked for; not to be believed.
    public let uris: [String]

    /// Bytes of the largest request that is looked at.
    public static let maximumBytes = 16 << 10

    /// What a certificate is wanted for.
    enum Purpose {
        /// A node: TLS server and client.
        case node
        /// An issuing authority below a root.
        case issuer
    }

    /// A request for a node's certificate.
    ///
    /// - Parameter id: the name that it will have.
    public init(
        key: PrivateKey, id: SPIFFEID, dnsNames: [String] = [], addresses: [String] = []
    ) throws(TrustError) {
        try self.init(
            key: key, commonName: "\(id.site)/\(id.node)",
            names: SubjectNames(uris: [id.uri], dnsNames: dnsNames, addresses: addresses), purpose: .node)
    }

    init(key: PrivateKey, commonName: String, names: SubjectNames, purpose: Purpose) throws(TrustError) {
        try self.init(der: Self.encoded(key: key, commonName: commonName, names: names, purpose: purpose))
    }

    static func encoded(
        key: PrivateKey, commonName: String, names: SubjectNames, purpose: Purpose
    ) throws(TrustError) -> [UInt8] {
        ERR_clear_error()
        guard let made = X509_REQ_new() else { throw .library("make a request") }
        defer { X509_REQ_free(made) }
        let subject = X509_REQ_get_subject_name(made)
        let name = Array(commonName.utf8.prefix(64))
        guard X509_REQ_set_version(made, 0) == 1, X509_REQ_set_pubkey(made, key.handle) == 1,
            X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, name, Int32(name.count), -1, 0) == 1
        else { throw .library("fill a request") }
        try addExtensions(made, names, purpose)
        guard X509_REQ_sign(made, key.handle, EVP_sha256()) > 0 else { throw .library("sign a request") }
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509_REQ(made, &encoded)
        defer { mesh_OPENSSL_free(encoded) }
        guard count > 0, let encoded else { throw .library("encode a request") }
        return Array(UnsafeBufferPointer(start: encoded, count: Int(count)))
    }

    /// Reads a request and checks that whoever made it has the key.
    ///
    /// - Throws: `.malformedEncoding`, `.limitExceeded`, `.badSignature`, `.unusableKey` for a key not on P-256.
    public init(der: [UInt8]) throws(TrustError) {
        guard der.count <= Self.maximumBytes else {
            throw TrustError(.limitExceeded, "a request of more than \(Self.maximumBytes) bytes")
        }
        ERR_clear_error()
        let (found, used) = der.withUnsafeBufferPointer { buffer -> (OpaquePointer?, Int) in
            var position = buffer.baseAddress
            let request = d2i_X509_REQ(nil, &position, buffer.count)
            guard let start = buffer.baseAddress, let position else { return (request, 0) }
            return (request, position - start)
        }
        guard let found else {
            throw TrustError(.malformedEncoding, "not a request for a certificate (PKCS #10): \(openSSLReason())")
        }
        defer { X509_REQ_free(found) }
        guard used == der.count else { throw TrustError(.malformedEncoding, "more bytes behind a request") }
        guard let key = X509_REQ_get_pubkey(found) else {
            throw TrustError(.unusableKey, "a request whose key cannot be read: \(openSSLReason())")
        }
        publicKey = PublicKey(adopting: key)
        guard ES256.fits(key) else { throw TrustError(.unusableKey, "a node's key is on the curve P-256") }
        guard X509_REQ_verify(found, key) == 1 else {
            throw TrustError(.badSignature, "the request is not signed with the key that it is about")
        }
        self.der = der
        subject = Self.subjectText(found)
        uris = Self.uris(found)
    }

    /// Reads the first request of a PEM text.
    public init(pem: [UInt8]) throws(TrustError) {
        guard pem.count <= Self.maximumBytes * 2 else {
            throw TrustError(.limitExceeded, "a request of more than \(Self.maximumBytes * 2) bytes in PEM")
        }
        let source = try MemoryBIO(pem)
        ERR_clear_error()
        guard let found = PEM_read_bio_X509_REQ(source.pointer, nil, noPassphrase, nil) else {
            throw TrustError(.malformedEncoding, "there is no request for a certificate in PEM: \(openSSLReason())")
        }
        defer { X509_REQ_free(found) }
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509_REQ(found, &encoded)
        defer { mesh_OPENSSL_free(encoded) }
        guard count > 0, let encoded else { throw .library("encode a request") }
        try self.init(der: Array(UnsafeBufferPointer(start: encoded, count: Int(count))))
    }

    /// The request as PEM text.
    public var pem: [UInt8] {
        let text = Array(Base64.encode(der))
        var lines = "-----BEGIN CERTIFICATE REQUEST-----\n"
        var position = 0
        while position < text.count {
            lines += String(text[position..<min(position + 64, text.count)]) + "\n"
            position += 64
        }
        return Array((lines + "-----END CERTIFICATE REQUEST-----\n").utf8)
    }

    private static func addExtensions(
        _ made: OpaquePointer, _ names: SubjectNames, _ purpose: Purpose
    ) throws(TrustError) {
        guard let all = mesh_X509_EXTENSIONS_new() else { throw .library("make a request") }
        defer { mesh_X509_EXTENSIONS_free(all) }
        let words: [(Int32, String)]
        switch purpose {
        case .node:
            words = [
                (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth,clientAuth"),
            ]
        case .issuer:
            words = [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ]
        }
        for (identifier, value) in words {
            try push(X509V3_EXT_nconf_nid(nil, nil, identifier, value), onto: all)
        }
        let encoded = try names.encoded()
        defer { mesh_GENERAL_NAMES_free(encoded) }
        try push(X509V3_EXT_i2d(NID_subject_alt_name, 0, UnsafeMutableRawPointer(encoded)), onto: all)
        guard X509_REQ_add_extensions(made, all) == 1 else { throw .library("add extensions to a request") }
    }

    private static func push(_ made: OpaquePointer?, onto all: OpaquePointer) throws(TrustError) {
        guard let made else { throw .library("make an extension of a request") }
        guard mesh_X509_EXTENSIONS_push(all, made) > 0 else {
            X509_EXTENSION_free(made)
            throw .library("add an extension to a request")
        }
    }

    private static func subjectText(_ request: OpaquePointer) -> String {
        guard let name = X509_REQ_get_subject_name(request), let sink = try? MemoryBIO(),
            mesh_X509_NAME_print(sink.pointer, name) >= 0
        else { return "" }
        return printable(sink.bytes, limit: 256)
    }

    private static func uris(_ request: OpaquePointer) -> [String] {
        guard let all = X509_REQ_get_extensions(request) else { return [] }
        defer { mesh_X509_EXTENSIONS_free(all) }
        guard let found = X509V3_get_d2i(all, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(found)
        defer { mesh_GENERAL_NAMES_free(names) }
        var uris: [String] = []
        for index in 0..<min(mesh_GENERAL_NAME_count(names), 64) {
            guard let text = mesh_GENERAL_NAME_uri(mesh_GENERAL_NAME_at(names, index)) else { continue }
            let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
            uris.append(printable(bytes, limit: 512))
        }
        return uris
    }
}
