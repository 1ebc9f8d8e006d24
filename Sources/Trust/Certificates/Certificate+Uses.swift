import COpenSSL
import Glibc

/// What a certificate says of itself in its extensions (RFC 5280 §4.2.1).
extension Certificate {
    /// The URIs among its names, as bytes: what they hold is not checked.
    var uriNames: [[UInt8]] { names(of: handle, mesh_GENERAL_NAME_uri) }

    /// The DNS names among its names; those that are not visible ASCII are left out.
    public var dnsNames: [String] {
        names(of: handle, mesh_GENERAL_NAME_dns).compactMap { name in
            name.allSatisfy { (0x21...0x7e).contains($0) } ? String(decoding: name, as: UTF8.self) : nil
        }
    }

    /// The IP addresses among its names, as text.
    public var addresses: [String] {
        names(of: handle, mesh_GENERAL_NAME_address).compactMap { octets in
            guard octets.count == 4 || octets.count == 16 else { return nil }
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            guard inet_ntop(octets.count == 4 ? AF_INET : AF_INET6, octets, &text, socklen_t(text.count)) != nil else {
                return nil
            }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Whether it may sign others: by its basic constraints, its key usage, or as a self-signed one too old to have either.
    var isAuthority: Bool {
        if X509_check_ca(handle) != 0 { return true }
        let usage = X509_get_key_usage(handle)
        return usage != UInt32.max && usage & UInt32(KU_KEY_CERT_SIGN) != 0
    }

    /// Whether its basic constraints say CA, whatever its key usage says: a node's must not (X509-SVID §4.1).
    var isMarkedAuthority: Bool { X509_get_extension_flags(handle) & UInt32(EXFLAG_CA) != 0 }

    /// Whether an authority below it may sign certificates: its path length, if it has one, leaves room for one more.
    var allowsIssuers: Bool {
        let length = X509_get_pathlen(handle)
        return length < 0 || length > 0
    }

    /// Why it cannot serve at both ends of a mesh link (X509-SVID §4.3, §4.4); nil if it can.
    var wrongUsage: String? {
        let usage = X509_get_key_usage(handle)
        guard usage != UInt32.max else { return "it has no key usage" }
        guard usage & UInt32(KU_DIGITAL_SIGNATURE) != 0 else { return "its key may not make digital signatures" }
        guard usage & UInt32(KU_KEY_CERT_SIGN | KU_CRL_SIGN) == 0 else {
            return "its key may sign certificates or lists of them"
        }
        guard isKeyUsageCritical else { return "its key usage is not critical" }
        let extended = X509_get_extended_key_usage(handle)
        guard extended != UInt32.max else { return "it has no extended key usage" }
        guard extended & UInt32(XKU_SSL_SERVER) != 0 else { return "it may not be a TLS server" }
        guard extended & UInt32(XKU_SSL_CLIENT) != 0 else { return "it may not be a TLS client" }
        return nil
    }

    private var isKeyUsageCritical: Bool {
        let position = X509_get_ext_by_NID(handle, NID_key_usage, -1)
        guard position >= 0, let found = X509_get_ext(handle, position) else { return false }
        return X509_EXTENSION_get_critical(found) == 1
    }
}

/// The subject alternative names of one kind, as bytes.
func names(
    of certificate: OpaquePointer, _ pick: (UnsafePointer<GENERAL_NAME>?) -> UnsafePointer<ASN1_STRING>?
) -> [[UInt8]] {
    guard let found = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
    let names = OpaquePointer(found)
    defer { mesh_GENERAL_NAMES_free(names) }
    var picked: [[UInt8]] = []
    for index in 0..<mesh_GENERAL_NAME_count(names) {
        guard let text = pick(mesh_GENERAL_NAME_at(names, index)) else { continue }
        picked.append(Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))))
    }
    return picked
}
