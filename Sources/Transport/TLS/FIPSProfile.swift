internal import COpenSSL

/// What TLS offers and takes where the process has FIPS on (`EVP_set_default_properties`, `fips=yes`): NIST SP 800-52r2 §3.3.1, narrowed to
/// elliptic curves and AES-GCM. The provider of OpenSSL 3.0 has X25519 too, which FIPS 140 does not approve: the list leaves it out.
enum FIPSProfile {
    static var isOn: Bool { EVP_default_properties_is_fips_enabled(nil) == 1 }

    /// For TLS 1.3, and for TLS 1.2.
    static let ciphers = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
    static let olderCiphers = "ECDHE+AESGCM"
    static let groups = "P-256:P-384"
    static let signatures =
        "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
        + "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"

    /// - Throws: `.tls` where the library does not take the profile: a wider one must not be used in its place.
    static func apply(to context: OpaquePointer) throws(TransportError) {
        guard SSL_CTX_set_ciphersuites(context, ciphers) == 1, SSL_CTX_set_cipher_list(context, olderCiphers) == 1,
            mesh_SSL_CTX_set1_groups_list(context, groups) == 1, mesh_SSL_CTX_set1_sigalgs_list(context, signatures) == 1
        else { throw TransportError(.tls, "OpenSSL does not take the TLS settings that FIPS requires: \(openSSLReason())") }
    }
}
