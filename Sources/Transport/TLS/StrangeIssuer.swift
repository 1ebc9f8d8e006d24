internal import COpenSSL
import CLinux

/// OpenSSL's word on each certificate of a chain: for one whose issuer is not known, who that is, so that an inspecting proxy can
/// be told from a wrong setting.
let noteIssuer: @convention(c) (Int32, OpaquePointer?) -> Int32 = { accepted, store in
    guard accepted == 0, let store,
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let stored = SSL_get_ex_data(OpaquePointer(ssl), 0), let leaf = X509_STORE_CTX_get0_cert(store)
    else { return accepted }
    switch X509_STORE_CTX_get_error(store) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
        X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        Unmanaged<HandshakeOutcome>.fromOpaque(stored).takeUnretainedValue().strangeIssuer = issuerName(leaf)
    default: break
    }
    return accepted
}

/// The issuer's name as people read it (RFC 2253), 200 characters at most.
func issuerName(_ certificate: OpaquePointer) -> String? {
    guard let name = X509_get_issuer_name(certificate), let out = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(out) }
    guard mesh_X509_NAME_print(out, name) >= 0 else { return nil }
    var bytes: UnsafeMutablePointer<CChar>?
    let count = mesh_BIO_get_mem_data(out, &bytes)
    guard count > 0, let bytes else { return nil }
    let text = String(decoding: UnsafeRawBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    return String(text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(200).map(Character.init))
}

/// Whether a certificate names a node of a mesh, ours or another: then it is no inspecting proxy's.
func isNodes(_ certificate: OpaquePointer) -> Bool {
    let bytes = der(certificate)
    let scheme = Array("spiffe://".utf8)
    return bytes.withUnsafeBytes { memmem($0.baseAddress, $0.count, scheme, scheme.count) != nil }
}
