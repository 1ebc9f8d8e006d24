import COpenSSL

/// Cryptography from a validated module alone: OpenSSL's `fips` provider (NIST FIPS 140; fips_module(7)).
///
/// Switched on once, before anything else uses OpenSSL, for the whole process: everything here, and libcurl, fetches its algorithms
/// from the library's default context, whose properties then are `fips=yes`. What the provider does not have cannot be had.
public enum FIPS {
    /// What is in force, for people.
    public struct Module: Sendable, Equatable {
        /// As the provider names itself: `OpenSSL FIPS Provider`.
        public var name: String
        public var version: String
    }

    /// Whether this process takes cryptography from the provider alone.
    public static var isOn: Bool { EVP_default_properties_is_fips_enabled(nil) == 1 }

    /// Takes all cryptography of this process from the FIPS provider from now on. A second call changes nothing.
    ///
    /// - Throws: `.noFIPS` with what to do: there is no such provider, its checksum or a self-test failed, or algorithms would come
    ///   from elsewhere all the same.
    @discardableResult
    public static func require() throws(TrustError) -> Module {
        ERR_clear_error()
        // Names the provider's checksum and where it is: openssl.cnf, or the file in OPENSSL_CONF.
        OPENSSL_init_crypto(UInt64(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS), nil)
        guard let provider = OSSL_PROVIDER_load(nil, "fips") else {
            throw refused("its provider `fips` cannot be loaded (\(firstReason()))")
        }
        guard OSSL_PROVIDER_load(nil, "base") != nil else {
            throw refused("its provider `base` cannot be loaded (\(firstReason()))")
        }
        guard EVP_set_default_properties(nil, "fips=yes") == 1 else {
            throw refused("it takes no default properties (\(firstReason()))")
        }
        guard OSSL_PROVIDER_self_test(provider) == 1 else {
            throw refused("the self-test of its provider `fips` fails (\(firstReason()))")
        }
        guard isOn, isFromModule() else { throw refused("algorithms still come from another provider") }
        return module(of: provider)
    }

    /// The module in force; nil where FIPS is off.
    public static var module: Module? {
        // Loaded already: this counts one more use of it, which the process's end gives back.
        guard isOn, let provider = OSSL_PROVIDER_load(nil, "fips") else { return nil }
        defer { OSSL_PROVIDER_unload(provider) }
        return module(of: provider)
    }

    /// The version of OpenSSL itself, as it runs.
    public static var library: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }

    /// What is approved must be had from the provider, and what is not must not be had at all.
    private static func isFromModule() -> Bool {
        guard let digest = EVP_MD_fetch(nil, "SHA256", nil) else { return false }
        defer { EVP_MD_free(digest) }
        let name = EVP_MD_get0_provider(digest).flatMap { OSSL_PROVIDER_get0_name($0) }.map { String(cString: $0) }
        let weak = EVP_MD_fetch(nil, "MD5", nil)
        EVP_MD_free(weak)
        ERR_clear_error()
        return name == "fips" && weak == nil
    }

    private static func module(of provider: OpaquePointer) -> Module {
        func text(_ key: String) -> String { mesh_provider_text(provider, key).map { String(cString: $0) } ?? "unknown" }
        return Module(name: text("name"), version: text("version"))
    }

    /// The oldest reason in the library's queue: what went wrong at the bottom, with the file that it is about.
    private static func firstReason() -> String {
        var data: UnsafePointer<CChar>?
        var flags: Int32 = 0
        let code = ERR_peek_error_all(nil, nil, nil, &data, &flags)
        guard code != 0 else { return "no reason given" }
        let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
        let detail = data.map { String(cString: $0) } ?? ""
        return printable((detail.isEmpty ? reason : "\(reason): \(detail)").utf8)
    }

    private static func refused(_ why: String) -> TrustError {
        TrustError(
            .noFIPS,
            "FIPS is required, but OpenSSL cannot give it: \(why); install OpenSSL's FIPS provider and name its fipsmodule.cnf in "
                + "openssl.cnf or the file in OPENSSL_CONF (docs/fips.md)")
    }
}
