import COpenSSL

/// ECDSA on P-256 with SHA-256; signatures are r and s, 32 bytes each, most significant first (RFC 7518 §3.4).
enum ES256 {
    static let signatureByteCount = 64
    private static let halfByteCount = 32

    /// Whether a key is on the one curve that ES256 is defined for.
    static func fits(_ key: OpaquePointer) -> Bool {
        guard EVP_PKEY_is_a(key, "EC") == 1 else { return false }
        var name = [CChar](repeating: 0, count: 32)
        var length = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return false }
        return name.prefix(length).map { UInt8(bitPattern: $0) } == Array("prime256v1".utf8)
    }

    static func sign(_ bytes: UnsafeRawBufferPointer, key: OpaquePointer) throws(TrustError) -> [UInt8] {
        ERR_clear_error()
        guard let context = EVP_MD_CTX_new() else { throw .library("sign") }
        defer { EVP_MD_CTX_free(context) }
        var encoded = [UInt8](repeating: 0, count: 128)
        var count = encoded.count
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        guard EVP_DigestSignInit_ex(context, nil, "SHA256", nil, nil, key, nil) == 1,
            EVP_DigestSign(context, &encoded, &count, start, bytes.count) == 1
        else { throw .library("sign") }
        return try raw(encoded, count: count)
    }

    static func isValid(_ signature: [UInt8], over bytes: UnsafeRawBufferPointer, key: OpaquePointer) -> Bool {
        guard signature.count == signatureByteCount, fits(key), let encoded = der(signature) else { return false }
        ERR_clear_error()
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        return EVP_DigestVerifyInit_ex(context, nil, "SHA256", nil, nil, key, nil) == 1
            && EVP_DigestVerify(context, encoded, encoded.count, start, bytes.count) == 1
    }

    /// DER, as OpenSSL writes it, to r and s.
    private static func raw(_ encoded: [UInt8], count: Int) throws(TrustError) -> [UInt8] {
        let parsed = encoded.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            return d2i_ECDSA_SIG(nil, &position, count)
        }
        guard let parsed else { throw .library("read its own signature") }
        defer { ECDSA_SIG_free(parsed) }
        var signature = [UInt8](repeating: 0, count: signatureByteCount)
        let isWhole = signature.withUnsafeMutableBufferPointer { buffer -> Bool in
            guard let start = buffer.baseAddress else { return false }
            let half = Int32(halfByteCount)
            return BN_bn2binpad(ECDSA_SIG_get0_r(parsed), start, half) == half
                && BN_bn2binpad(ECDSA_SIG_get0_s(parsed), start + halfByteCount, half) == half
        }
        guard isWhole else { throw .library("write a signature") }
        return signature
    }

    /// r and s to DER.
    private static func der(_ signature: [UInt8]) -> [UInt8]? {
        guard let made = ECDSA_SIG_new() else { return nil }
        defer { ECDSA_SIG_free(made) }
        let halves = signature.withUnsafeBufferPointer { buffer -> (OpaquePointer?, OpaquePointer?) in
            guard let start = buffer.baseAddress else { return (nil, nil) }
            let half = Int32(halfByteCount)
            return (BN_bin2bn(start, half, nil), BN_bin2bn(start + halfByteCount, half, nil))
        }
        // Takes both over, unless it fails.
        guard ECDSA_SIG_set0(made, halves.0, halves.1) == 1 else {
            BN_free(halves.0)
            BN_free(halves.1)
            return nil
        }
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_ECDSA_SIG(made, &bytes)
        guard count > 0, let bytes else { return nil }
        defer { mesh_OPENSSL_free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
}
