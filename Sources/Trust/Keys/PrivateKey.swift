import COpenSSL

/// A node's or an authority's key: ECDSA on P-256.
///
/// `@unchecked Sendable`: see `PublicKey`; signing only reads the key.
public final class PrivateKey: @unchecked Sendable {
    let handle: OpaquePointer

    /// Takes the reference over, whatever kind of key it is.
    init(adopting handle: OpaquePointer) { self.handle = handle }

    deinit { EVP_PKEY_free(handle) }

    /// A new key.
    public static func generate() throws(TrustError) -> PrivateKey {
        ERR_clear_error()
        guard let made = mesh_EVP_EC_gen("P-256") else { throw .library("make a P-256 key") }
        return PrivateKey(adopting: made)
    }

    /// Reads a PEM file (PKCS #8 or SEC 1, without passphrase) that nobody but its owner can read.
    ///
    /// - Throws: `TrustError` naming the file: unreadable, exposed, not a key, encrypted, or not on P-256.
    public convenience init(pemFile path: String) throws(TrustError) {
        var bytes = try SecretFile.read(path)
        defer { wipe(&bytes) }
        let source = try MemoryBIO(bytes)
        ERR_clear_error()
        guard let found = PEM_read_bio_PrivateKey(source.pointer, nil, noPassphrase, nil) else {
            throw TrustError(.unusableKey, "\(path) holds no private key in PEM without passphrase: \(openSSLReason())")
        }
        self.init(adopting: found)
        guard ES256.fits(handle) else {
            throw TrustError(.unusableKey, "the key in \(path) is not on the curve P-256; make one with EC P-256")
        }
        guard Self.isConsistent(handle) else {
            throw TrustError(.unusableKey, "the key in \(path) is damaged: its halves do not belong together")
        }
    }

    /// Writes the key as PEM (PKCS #8), mode 0600.
    public func write(pemFile path: String) throws(TrustError) {
        var bytes = try pem()
        defer { wipe(&bytes) }
        try SecretFile.write(path, bytes)
    }

    /// PKCS #8 in PEM. Secret.
    func pem() throws(TrustError) -> [UInt8] {
        let sink = try MemoryBIO()
        guard PEM_write_bio_PKCS8PrivateKey(sink.pointer, handle, nil, nil, 0, nil, nil) == 1 else {
            throw .library("write a key")
        }
        return sink.bytes
    }

    /// The other half.
    public func publicKey() throws(TrustError) -> PublicKey {
        var der: UnsafeMutablePointer<UInt8>?
        ERR_clear_error()
        let count = i2d_PUBKEY(handle, &der)
        guard count > 0, let der else { throw .library("take the public half of a key") }
        defer { mesh_OPENSSL_free(der) }
        return try PublicKey(subjectPublicKeyInfo: Array(UnsafeBufferPointer(start: der, count: Int(count))))
    }

    /// Signs by ES256: 64 bytes, r and s (RFC 7518 §3.4).
    public func signES256(_ bytes: UnsafeRawBufferPointer) throws(TrustError) -> [UInt8] {
        try ES256.sign(bytes, key: handle)
    }

    /// As above.
    public func signES256(_ bytes: [UInt8]) throws(TrustError) -> [UInt8] {
        let signed = bytes.withUnsafeBytes { buffer in
            Result { () throws(TrustError) in try ES256.sign(buffer, key: handle) }
        }
        return try signed.get()
    }

    private static func isConsistent(_ handle: OpaquePointer) -> Bool {
        ERR_clear_error()
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, handle, nil) else { return false }
        defer { EVP_PKEY_CTX_free(context) }
        return EVP_PKEY_check(context) == 1
    }
}
