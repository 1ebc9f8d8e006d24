import COpenSSL

/// Which kinds of keys certificates may be about.
extension PublicKey {
    enum Kind: Equatable, Sendable, CustomStringConvertible {
        case p256, p384
        case rsa(bits: Int)
        /// As OpenSSL calls it, such as `ED25519` or `EC secp224r1`.
        case other(String)

        var description: String {
            switch self {
            case .p256: "ECDSA P-256"
            case .p384: "ECDSA P-384"
            case .rsa(let bits): "RSA of \(bits) bits"
            case .other(let name): printable(name.utf8, limit: 64)
            }
        }

        /// What this program uses under FIPS: ECDSA on P-256 and P-384, RSA from 2048 bits (NIST SP 800-131A).
        var isApproved: Bool {
            switch self {
            case .p256, .p384: true
            case .rsa(let bits): bits >= 2048
            case .other: false
            }
        }
    }

    var kind: Kind {
        if EVP_PKEY_is_a(handle, "RSA") == 1 || EVP_PKEY_is_a(handle, "RSA-PSS") == 1 {
            return .rsa(bits: Int(EVP_PKEY_get_bits(handle)))
        }
        guard EVP_PKEY_is_a(handle, "EC") == 1 else {
            return .other(EVP_PKEY_get0_type_name(handle).map { String(cString: $0) } ?? "a key of an unknown kind")
        }
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        let isNamed = EVP_PKEY_get_group_name(handle, &name, name.count, &length) == 1
        let group = isNamed ? String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?"
        switch group {
        case "prime256v1": return .p256
        case "secp384r1": return .p384
        default: return .other("EC \(group)")
        }
    }
}

extension Certificate {
    /// Whether its key is of a kind that FIPS allows here.
    public var hasApprovedKey: Bool { publicKey.kind.isApproved }
}
