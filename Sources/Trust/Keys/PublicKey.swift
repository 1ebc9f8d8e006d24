import COpenSSL

/// A key that signatures are checked with.
///
/// `@unchecked Sendable`: an EVP_PKEY is reference counted atomically, nothing here changes it after `init`, and OpenSSL
/// guards what it caches inside with a lock of its own (openssl-threads(7): read-only use from several threads is safe).
public final class PublicKey: @unchecked Sendable {
    let handle: OpaquePointer

    /// Takes the reference over.
    init(adopting handle: OpaquePointer) { self.handle = handle }

    /// - Parameter subjectPublicKeyInfo: DER (RFC 5280 §4.1.2.7), nothing behind it.
    /// - Throws: `.malformedEncoding`.
    public init(subjectPublicKeyInfo der: [UInt8]) throws(TrustError) {
        ERR_clear_error()
        let (found, used) = der.withUnsafeBufferPointer { buffer -> (OpaquePointer?, Int) in
            var position = buffer.baseAddress
            let key = d2i_PUBKEY(nil, &position, buffer.count)
            guard let start = buffer.baseAddress, let position else { return (key, 0) }
            return (key, position - start)
        }
        guard let found else { throw TrustError(.malformedEncoding, "not a public key: \(openSSLReason())") }
        handle = found
        guard used == der.count else { throw TrustError(.malformedEncoding, "more bytes behind a public key") }
    }

    deinit { EVP_PKEY_free(handle) }

    /// The key in DER (RFC 5280 §4.1.2.7): equal for equal keys. Empty for a key that cannot be written.
    public var subjectPublicKeyInfo: [UInt8] {
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(handle, &encoded)
        guard count > 0, let encoded else { return [] }
        defer { mesh_OPENSSL_free(encoded) }
        return Array(UnsafeBufferPointer(start: encoded, count: Int(count)))
    }

    /// Whether `signature` (64 bytes, RFC 7518 §3.4) is this key's over `bytes`. False for keys not on P-256.
    public func verifiesES256(_ signature: [UInt8], over bytes: UnsafeRawBufferPointer) -> Bool {
        ES256.isValid(signature, over: bytes, key: handle)
    }

    /// As above.
    public func verifiesES256(_ signature: [UInt8], over bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { verifiesES256(signature, over: $0) }
    }
}
