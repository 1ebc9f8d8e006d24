import COpenSSL

/// The names that a certificate, or a request for one, carries beside its subject (RFC 5280 §4.2.1.6).
struct SubjectNames {
    var uris: [String] = []
    var dnsNames: [String] = []
    var addresses: [String] = []

    var isEmpty: Bool { uris.isEmpty && dnsNames.isEmpty && addresses.isEmpty }

    /// As OpenSSL has them. To be freed with `mesh_GENERAL_NAMES_free`.
    ///
    /// - Throws: `.malformedName` for what is no IP address.
    func encoded() throws(TrustError) -> OpaquePointer {
        guard let names = mesh_GENERAL_NAMES_new() else { throw .library("make a list of names") }
        do throws(TrustError) {
            for uri in uris { try Self.push(Self.text(uri), as: GEN_URI, onto: names) }
            for name in dnsNames { try Self.push(Self.text(name), as: GEN_DNS, onto: names) }
            for address in addresses {
                guard let octets = a2i_IPADDRESS(address) else {
                    throw TrustError(.malformedName, "\"\(printable(address.utf8, limit: 64))\" is not an IP address")
                }
                try Self.push(octets, as: GEN_IPADD, onto: names)
            }
        } catch {
            mesh_GENERAL_NAMES_free(names)
            throw error
        }
        return names
    }

    private static func text(_ string: String) -> UnsafeMutablePointer<ASN1_STRING>? {
        guard let made = ASN1_STRING_type_new(V_ASN1_IA5STRING) else { return nil }
        let bytes = Array(string.utf8)
        guard ASN1_STRING_set(made, bytes, Int32(bytes.count)) == 1 else {
            ASN1_STRING_free(made)
            return nil
        }
        return made
    }

    private static func push(
        _ value: UnsafeMutablePointer<ASN1_STRING>?, as kind: Int32, onto names: OpaquePointer
    ) throws(TrustError) {
        guard let value, let name = GENERAL_NAME_new() else { throw .library("make a name") }
        GENERAL_NAME_set0_value(name, kind, value)
        guard mesh_GENERAL_NAMES_push(names, name) > 0 else {
            GENERAL_NAME_free(name)
            throw .library("add a name")
        }
    }
}
