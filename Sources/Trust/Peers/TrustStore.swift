import COpenSSL

/// The authorities that count for a certificate, as OpenSSL wants them.
///
/// `@unchecked Sendable`: filled in `init` and only read afterwards; OpenSSL locks an X509_STORE for its own look-ups.
final class TrustStore: @unchecked Sendable {
    private let handle: OpaquePointer?

    /// Issuers between a node and the root at most: the root stands at depth 3 (depth counts those in between).
    static let maximumIntermediates: Int32 = 2
    /// Security level 2 is 112 bits (SSL_CTX_set_security_level(3)).
    private static let securityLevel: Int32 = 2

    init(_ roots: [Certificate]) {
        ERR_clear_error()
        guard let store = X509_STORE_new() else {
            handle = nil
            return
        }
        handle = store
        for root in roots { X509_STORE_add_cert(store, root.handle) }
    }

    deinit { X509_STORE_free(handle) }

    /// What a leaf's path goes by.
    struct Path {
        /// Of each issuer, up to and with the root.
        let scopes: [IssuerScope]
        /// SHA-256 of the root.
        let root: [UInt8]
    }

    /// Builds and checks the path of a leaf as of `now`.
    func path(leaf: Certificate, intermediates: [Certificate], now: Int64) throws(PeerRefusal) -> Path {
        try check(leaf: leaf, intermediates: intermediates, now: now, purpose: X509_PURPOSE_SSL_SERVER) {
            (chain) throws(PeerRefusal) in
            try checkClients(chain)
            try checkKeys(chain, of: leaf)
            return try described(chain)
        }
    }

    /// Builds and checks the path of an issuing certificate as of `now`: nil if it holds. None above it may be bounded more
    /// narrowly than it says of itself: an authority of one site must not make itself one of the whole federation.
    func issuerFailure(_ issuer: Certificate, intermediates: [Certificate], now: Int64) -> PeerRefusal? {
        let own = IssuerScope(uris: issuer.uriNames)
        do throws(PeerRefusal) {
            try check(leaf: issuer, intermediates: intermediates, now: now, purpose: X509_PURPOSE_ANY) {
                (chain) throws(PeerRefusal) in
                try checkApproval(chain)
                for index in 1..<max(1, mesh_X509_count(chain)) {
                    guard let above = mesh_X509_at(chain, index) else { continue }
                    let scope = IssuerScope(uris: names(of: above, mesh_GENERAL_NAME_uri))
                    guard scope == .unbounded || scope == own else {
                        throw .outOfScope(issuer: scope.description, node: own.description)
                    }
                }
            }
            return nil
        } catch { return error }
    }

    private func check<Result>(
        leaf: Certificate, intermediates: [Certificate], now: Int64, purpose: Int32,
        then: (OpaquePointer) throws(PeerRefusal) -> Result
    ) throws(PeerRefusal) -> Result {
        let failed = PeerRefusal.untrustedChain(reason: "it could not be checked for lack of memory")
        guard let handle, let context = X509_STORE_CTX_new() else { throw failed }
        defer { X509_STORE_CTX_free(context) }
        guard let others = mesh_X509_stack_new() else { throw failed }
        defer { mesh_X509_stack_free(others) }
        for certificate in intermediates where mesh_X509_push(others, certificate.handle) <= 0 { throw failed }
        ERR_clear_error()
        guard X509_STORE_CTX_init(context, handle, leaf.handle, others) == 1,
            let parameters = X509_STORE_CTX_get0_param(context)
        else { throw failed }
        X509_VERIFY_PARAM_set_time(parameters, Int(now))
        X509_VERIFY_PARAM_set_depth(parameters, Self.maximumIntermediates)
        X509_VERIFY_PARAM_set_auth_level(parameters, Self.securityLevel)
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_X509_STRICT))
        guard X509_VERIFY_PARAM_set_purpose(parameters, purpose) == 1 else { throw failed }
        guard X509_verify_cert(context) == 1 else { throw refusal(context, leaf: leaf) }
        guard let chain = X509_STORE_CTX_get0_chain(context) else { throw failed }
        return try then(chain)
    }

    /// The path holds for servers; a mesh certificate is a client's too, and so must its issuers allow.
    private func checkClients(_ chain: OpaquePointer) throws(PeerRefusal) {
        for index in 0..<mesh_X509_count(chain)
        where X509_check_purpose(mesh_X509_at(chain, index), X509_PURPOSE_SSL_CLIENT, index > 0 ? 1 : 0) < 1 {
            throw .wrongUsage(reason: "an issuer may not sign for TLS clients")
        }
    }

    private func described(_ chain: OpaquePointer) throws(PeerRefusal) -> Path {
        let count = mesh_X509_count(chain)
        guard count > 1 else { throw .untrustedChain(reason: "nobody signed it") }
        var scopes: [IssuerScope] = []
        for index in 1..<count {
            guard let issuer = mesh_X509_at(chain, index) else { continue }
            scopes.append(IssuerScope(uris: names(of: issuer, mesh_GENERAL_NAME_uri)))
        }
        var root = [UInt8](repeating: 0, count: Digest.byteCount)
        var length: UInt32 = 0
        guard X509_digest(mesh_X509_at(chain, count - 1), EVP_sha256(), &root, &length) == 1 else {
            throw .untrustedChain(reason: "its root has no digest")
        }
        return Path(scopes: scopes, root: root)
    }

    private func refusal(_ context: OpaquePointer, leaf: Certificate) -> PeerRefusal {
        let error = X509_STORE_CTX_get_error(context)
        let isOfLeaf = X509_STORE_CTX_get_error_depth(context) == 0
        switch error {
        case X509_V_ERR_CERT_HAS_EXPIRED where isOfLeaf: return .expired(notAfter: leaf.notAfter)
        case X509_V_ERR_CERT_NOT_YET_VALID where isOfLeaf: return .notYetValid(notBefore: leaf.notBefore)
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL: return .weakKey
        case X509_V_ERR_CA_MD_TOO_WEAK: return .weakSignature
        case X509_V_ERR_INVALID_PURPOSE: return .wrongUsage(reason: "one of its issuers may not sign for TLS")
        default:
            let text = X509_verify_cert_error_string(Int(error)).map { String(cString: $0) } ?? "error \(error)"
            return .untrustedChain(reason: isOfLeaf ? text : "an issuer: \(text)")
        }
    }
}
