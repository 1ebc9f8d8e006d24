// Which of the two defines `tm` for the compiler depends on the order in which it reads them.
import COpenSSL
import Glibc

/// An X.509 certificate (RFC 5280).
///
/// `@unchecked Sendable`: an X509 is reference counted atomically; what OpenSSL computes late (its view of the extensions)
/// is forced in `init`, and nothing here changes it afterwards.
public final class Certificate: @unchecked Sendable {
    let handle: OpaquePointer
    /// The encoded certificate.
    public let der: [UInt8]
    /// SHA-256 of `der`: 32 bytes.
    public let thumbprint: [UInt8]
    /// Validity in seconds since 1970. OpenSSL lets it end as `notAfter` begins, a second before RFC 5280 would.
    public let notBefore: Int64
    public let notAfter: Int64
    /// The key that it is about.
    public let publicKey: PublicKey

    /// Bytes of the largest certificate, and count of the most in one file.
    public static let maximumBytes = 64 << 10
    public static let maximumInFile = 64

    /// - Parameter der: one certificate, nothing behind it.
    /// - Throws: `.malformedEncoding`, `.unusableCertificate`, `.limitExceeded`.
    public convenience init(der: [UInt8]) throws(TrustError) {
        guard der.count <= Self.maximumBytes else {
            throw TrustError(.limitExceeded, "a certificate of more than \(Self.maximumBytes) bytes")
        }
        ERR_clear_error()
        let (found, used) = der.withUnsafeBufferPointer { buffer -> (OpaquePointer?, Int) in
            var position = buffer.baseAddress
            let certificate = d2i_X509(nil, &position, buffer.count)
            guard let start = buffer.baseAddress, let position else { return (certificate, 0) }
            return (certificate, position - start)
        }
        guard let found else { throw TrustError(.malformedEncoding, "not a certificate in DER: \(openSSLReason())") }
        guard used == der.count else {
            X509_free(found)
            throw TrustError(.malformedEncoding, "more bytes behind a certificate")
        }
        try self.init(adopting: found)
    }

    /// Takes the reference over, also when it throws.
    init(adopting handle: OpaquePointer) throws(TrustError) {
        ERR_clear_error()
        // Reads all extensions now, so that later use is read-only.
        X509_check_purpose(handle, -1, 0)
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(handle, &encoded)
        defer { mesh_OPENSSL_free(encoded) }
        guard count > 0, let encoded, let from = secondsSince1970(X509_get0_notBefore(handle)),
            let until = secondsSince1970(X509_get0_notAfter(handle)), let key = X509_get_pubkey(handle)
        else {
            X509_free(handle)
            throw TrustError(.unusableCertificate, "a certificate whose key or dates cannot be read: \(openSSLReason())")
        }
        self.handle = handle
        der = Array(UnsafeBufferPointer(start: encoded, count: Int(count)))
        thumbprint = Digest.sha256(der)
        notBefore = from
        notAfter = until
        publicKey = PublicKey(adopting: key)
    }

    deinit { X509_free(handle) }

    /// Its subject and its issuer, after RFC 2253; for people.
    public var subject: String { nameText(X509_get_subject_name(handle)) }
    public var issuer: String { nameText(X509_get_issuer_name(handle)) }

    /// Whether `signature` (64 bytes, RFC 7518 §3.4) was made over `bytes` with the key that this certificate is about.
    public func verifiesES256(_ signature: [UInt8], over bytes: UnsafeRawBufferPointer) -> Bool {
        publicKey.verifiesES256(signature, over: bytes)
    }

    /// Whether this certificate is about that key.
    public func belongs(to key: PrivateKey) -> Bool { EVP_PKEY_eq(publicKey.handle, key.handle) == 1 }

    private func nameText(_ name: OpaquePointer?) -> String {
        guard let name, let sink = try? MemoryBIO(), mesh_X509_NAME_print(sink.pointer, name) >= 0 else { return "" }
        return printable(sink.bytes, limit: 512)
    }
}

private func secondsSince1970(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return Int64(timegm(&parts))
}
