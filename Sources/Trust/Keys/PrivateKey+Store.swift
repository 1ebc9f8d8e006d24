import COpenSSL

/// Keys that are kept elsewhere: in a hardware module by PKCS #11, a TPM, or wherever a provider of OpenSSL reaches.
extension PrivateKey {
    /// Opens a key by the URI of one of OpenSSL's stores (ossl_store(7)): `pkcs11:…` (RFC 7512) by the provider or,
    /// where there is none, the engine of libp11; `file:…`. The key stays where it is: only what
    /// is to be signed goes there.
    ///
    /// - Parameter pin: the PIN or passphrase; nil: the URI says itself where it is (`pin-source`), or there is none.
    /// - Throws: `.unusableKey` if there is no private key, or more than one.
    public static func open(storeURI uri: String, pin: [UInt8]? = nil) throws(TrustError) -> PrivateKey {
        guard uri.utf8.count <= 4096 else { throw TrustError(.limitExceeded, "a URI of a key of more than 4096 bytes") }
        let shown = shownURI(uri)
        let answer = PassphraseAnswer(pin)
        ERR_clear_error()
        guard let method = UI_UTIL_wrap_read_pem_callback(answerPassphrase, 0) else { throw .library("open a key store") }
        defer { UI_destroy_method(method) }
        guard let store = OSSL_STORE_open(uri, method, answer.pointer, nil, nil) else {
            if uri.hasPrefix("pkcs11:"), let key = engineKey(uri, pin) { return key }
            throw TrustError(.unusableKey, "\(shown) cannot be opened: \(openSSLReason()); is its provider configured?")
        }
        defer { OSSL_STORE_close(store) }
        OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY)
        var found: PrivateKey?
        var reason = ""
        var entries = 0
        while OSSL_STORE_eof(store) == 0, entries < maximumStoreEntries {
            entries += 1
            ERR_clear_error()
            guard let info = OSSL_STORE_load(store) else {
                // What it cannot read a store passes over; the one reason may be that the passphrase is wrong.
                if ERR_peek_last_error() != 0 { reason = ": \(openSSLReason())" }
                continue
            }
            defer { OSSL_STORE_INFO_free(info) }
            guard OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY, let key = OSSL_STORE_INFO_get1_PKEY(info) else {
                continue
            }
            guard found == nil else {
                EVP_PKEY_free(key)
                throw TrustError(.unusableKey, "\(shown) names more than one key; add an id or object to it")
            }
            found = PrivateKey(adopting: key)
        }
        withExtendedLifetime(answer) {}
        guard let found else { throw TrustError(.unusableKey, "no private key can be had at \(shown)\(reason)") }
        return found
    }

    /// A key by the engine of libp11, which older systems have in the provider's place.
    private static func engineKey(_ uri: String, _ pin: [UInt8]?) -> PrivateKey? {
        ERR_clear_error()
        guard var secret = pin.map({ $0.map { CChar(bitPattern: $0) } + [0] }) else {
            return mesh_engine_pkcs11_key(uri, nil).map { PrivateKey(adopting: $0) }
        }
        defer { secret.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        return mesh_engine_pkcs11_key(uri, secret).map { PrivateKey(adopting: $0) }
    }

    /// What is looked at in a store.
    private static let maximumStoreEntries = 1000

    /// A URI may hold the PIN itself (RFC 7512 §2.4): that part is not shown.
    private static func shownURI(_ uri: String) -> String {
        guard let range = uri.firstRange(of: "pin-value=") else { return printable(uri.utf8) }
        let rest = uri[range.upperBound...].drop { $0 != "&" && $0 != ";" }
        return printable((String(uri[..<range.upperBound]) + "***" + rest).utf8)
    }
}
