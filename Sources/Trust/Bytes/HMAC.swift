import COpenSSL

extension Digest {
    /// HMAC-SHA-256 (RFC 2104) of some bytes, 32 bytes. To be compared by `constantTimeEqual`.
    public static func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
            // Fails only where the library itself is broken; a wrong code would be worse than an end.
            let result = EVP_Q_mac(
                nil, "HMAC", nil, "SHA256", nil, key, key.count, bytes, bytes.count, buffer.baseAddress, byteCount, &filled)
            precondition(result != nil && filled == byteCount, "OpenSSL cannot compute HMAC-SHA-256")
        }
    }
}
