internal import COpenSSL
import Glibc

/// What a peer showed in the TLS handshake; DER.
public struct PeerCertificates: Sendable {
    public let leaf: [UInt8]
    public let intermediates: [[UInt8]]

    public init(leaf: [UInt8], intermediates: [[UInt8]]) {
        self.leaf = leaf
        self.intermediates = intermediates
    }
}

/// Settings of one TLS role, shared by all loops: ticket keys and sessions are then one, whichever loop a client meets.
///
/// `@unchecked Sendable`: an SSL_CTX is reference counted and safe for concurrent SSL_new once set up, and nothing here
/// changes it after `init`.
public final class TLSContext: @unchecked Sendable {
    public enum Role: Sendable { case client, server }

    /// How the other side is known.
    public enum Verification: Sendable {
        /// Not at all (a server whose clients bring bearer tokens).
        case none
        /// By the system's certificate authorities, or those in a PEM file, and by host name.
        case authorities(file: String?)
        /// By a check of ours in place of the library's, in the handshake: it throws the refusal, or returns who it is. A
        /// `TransportError` with the code `.revoked` tells the peer that it was revoked.
        case custom(@Sendable (PeerCertificates) throws -> any Sendable)
    }

    public struct Settings: Sendable {
        public var role: Role
        public var verification: Verification
        public var certificateFile: String?
        public var keyFile: String?
        public var applicationProtocols: [String] = []
        /// Those of them that a server speaks with clients who show no certificate: they are asked for none.
        public var openProtocols: [String] = []
        /// What a stream made with it says of it (`Stream.contextName`): whose certificate it shows, for whoever sets it up.
        public var name = ""
        /// TLS 1.3 alone, with no resumption: between nodes.
        public var onlyNewest = false

        public init(role: Role, verification: Verification) {
            self.role = role
            self.verification = verification
        }
    }

    public let role: Role
    let name: String
    let context: OpaquePointer
    private let verifier: Verifier
    let checksHostName: Bool
    /// A peer that agrees on no application protocol is refused: it is no node.
    let requiresApplicationProtocol: Bool

    fileprivate final class Verifier {
        let check: (@Sendable (PeerCertificates) throws -> any Sendable)?
        let protocols: [UInt8]
        /// Names of protocols for which clients need no certificate.
        let open: [[UInt8]]

        init(check: (@Sendable (PeerCertificates) throws -> any Sendable)?, protocols: [UInt8], open: [[UInt8]]) {
            self.check = check
            self.protocols = protocols
            self.open = open
        }
    }

    /// - Throws: `.tls` naming the file that cannot be used and why.
    public init(_ settings: Settings) throws(TransportError) {
        ERR_clear_error()
        // OpenSSL writes to the socket without MSG_NOSIGNAL: a peer that has gone must not end the process.
        signal(SIGPIPE, SIG_IGN)
        guard let context = SSL_CTX_new(settings.role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw TransportError(.tls, "OpenSSL gives no TLS context: \(openSSLReason())")
        }
        self.context = context
        role = settings.role
        name = settings.name
        var check: (@Sendable (PeerCertificates) throws -> any Sendable)?
        if case .custom(let given) = settings.verification { check = given }
        var wire: [UInt8] = []
        for name in settings.applicationProtocols { wire += [UInt8(name.utf8.count)] + Array(name.utf8) }
        verifier = Verifier(check: check, protocols: wire, open: settings.openProtocols.map { Array($0.utf8) })
        if case .authorities = settings.verification, settings.role == .client {
            checksHostName = true
        } else {
            checksHostName = false
        }
        requiresApplicationProtocol = settings.onlyNewest && !settings.applicationProtocols.isEmpty
        configure(settings)
        if FIPSProfile.isOn { try FIPSProfile.apply(to: context) }
        try loadCertificate(settings)
        try setVerification(settings)
        setProtocols()
    }

    deinit { SSL_CTX_free(context) }

    /// Makes the check of a handshake once more, as of now.
    ///
    /// - Throws: the refusal.
    func checkAgain(_ shown: PeerCertificates) throws { _ = try verifier.check?(shown) }

    private func configure(_ settings: Settings) {
        _ = mesh_SSL_CTX_set_min_proto_version(context, settings.onlyNewest ? TLS1_3_VERSION : TLS1_2_VERSION)
        _ = mesh_SSL_CTX_set_mode(
            context,
            Int(SSL_MODE_ENABLE_PARTIAL_WRITE) | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER) | Int(SSL_MODE_RELEASE_BUFFERS))
        mesh_SSL_CTX_set_read_ahead(context, 1)
        // No renegotiation; a clean end of stream is told from a cut by close_notify.
        SSL_CTX_set_options(context, UInt64(1) << 30)
        if settings.onlyNewest {
            // A resumed session would skip the check of the peer's certificate.
            SSL_CTX_set_num_tickets(context, 0)
            _ = mesh_SSL_CTX_set_session_cache_mode(context, 0)
        } else if role == .server {
            SSL_CTX_set_num_tickets(context, 1)
            SSL_CTX_set_session_id_context(context, Array("meshnode".utf8), 8)
        }
    }

    private func loadCertificate(_ settings: Settings) throws(TransportError) {
        guard let certificate = settings.certificateFile, let key = settings.keyFile else { return }
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw TransportError(.tls, "cannot use certificate \(certificate): \(openSSLReason())")
        }
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw TransportError(.tls, "cannot use key \(key): \(openSSLReason())")
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw TransportError(.tls, "key \(key) does not belong to certificate \(certificate)")
        }
    }

    private func setVerification(_ settings: Settings) throws(TransportError) {
        switch settings.verification {
        case .none: SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        case .authorities(let file):
            if let file {
                guard SSL_CTX_load_verify_locations(context, file, nil) == 1 else {
                    throw TransportError(.tls, "cannot use certificate authorities \(file): \(openSSLReason())")
                }
            } else {
                SSL_CTX_set_default_verify_paths(context)
            }
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, noteIssuer)
        case .custom:
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
            SSL_CTX_set_cert_verify_callback(context, verifyPeer, Unmanaged.passUnretained(verifier).toOpaque())
        }
    }

    private func setProtocols() {
        guard !verifier.protocols.isEmpty else { return }
        if role == .client {
            SSL_CTX_set_alpn_protos(context, verifier.protocols, UInt32(verifier.protocols.count))
        } else {
            SSL_CTX_set_alpn_select_cb(context, selectProtocol, Unmanaged.passUnretained(verifier).toOpaque())
        }
    }
}

/// What the verification of one handshake came to; hangs on the SSL object.
final class HandshakeOutcome {
    var refusal: String?
    var peer: (any Sendable)?
    /// What was shown, to be checked again, and what came of that the last time.
    var shown: PeerCertificates?
    var lastCheck: (round: UInt64, isGood: Bool)?
    /// Who issued a certificate that was refused because nobody here knows the issuer.
    var strangeIssuer: String?
}

/// OpenSSL's certificate check, replaced: 1 accepts.
private let verifyPeer: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, argument in
    guard let store, let argument,
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let stored = SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return 0 }
    let verifier = Unmanaged<TLSContext.Verifier>.fromOpaque(argument).takeUnretainedValue()
    let outcome = Unmanaged<HandshakeOutcome>.fromOpaque(stored).takeUnretainedValue()
    guard let check = verifier.check, let leaf = X509_STORE_CTX_get0_cert(store) else { return 0 }
    var intermediates: [[UInt8]] = []
    if let chain = X509_STORE_CTX_get0_untrusted(store) {
        for index in 0..<min(mesh_X509_count(chain), 8) {
            guard let certificate = mesh_X509_at(chain, index), X509_cmp(certificate, leaf) != 0 else { continue }
            intermediates.append(der(certificate))
        }
    }
    do {
        let shown = PeerCertificates(leaf: der(leaf), intermediates: intermediates)
        outcome.peer = try check(shown)
        outcome.shown = shown
        X509_STORE_CTX_set_error(store, X509_V_OK)
        return 1
    } catch {
        outcome.refusal = "\(error)"
        // The alert that the peer gets says so: it may not have heard of it in any other way.
        let isRevoked = (error as? TransportError)?.code == .revoked
        outcome.strangeIssuer = isNodes(leaf) ? nil : issuerName(leaf)
        X509_STORE_CTX_set_error(store, isRevoked ? X509_V_ERR_CERT_REVOKED : X509_V_ERR_APPLICATION_VERIFICATION)
        return 0
    }
}

func der(_ certificate: OpaquePointer) -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(certificate, &bytes)
    guard count > 0, let bytes else { return [] }
    defer { mesh_OPENSSL_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
}

/// Picks the first of our protocols that the client offers; none in common ends the handshake.
private let selectProtocol:
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?, UnsafePointer<UInt8>?,
        UInt32,
        UnsafeMutableRawPointer?
    ) -> Int32 = { ssl, out, outLength, offered, offeredLength, argument in
        guard let ssl, let out, let outLength, let offered, let argument else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        let verifier = Unmanaged<TLSContext.Verifier>.fromOpaque(argument).takeUnretainedValue()
        let ours = verifier.protocols
        var picked: UnsafeMutablePointer<UInt8>?
        let found = ours.withUnsafeBufferPointer {
            SSL_select_next_proto(&picked, outLength, $0.baseAddress, UInt32($0.count), offered, offeredLength)
        }
        guard found == OPENSSL_NPN_NEGOTIATED, let picked else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        // Points into `ours` or `offered`: the same bytes in `offered` live as long as the library needs them.
        let name = UnsafeBufferPointer(start: picked, count: Int(outLength.pointee))
        // Chosen before the server asks for a certificate, so that it asks for none.
        if verifier.open.contains(where: { $0.elementsEqual(name) }) { SSL_set_verify(ssl, SSL_VERIFY_NONE, nil) }
        var position = 0
        while position < Int(offeredLength) {
            let length = Int(offered[position])
            if length == name.count, let picked = name.baseAddress, memcmp(offered + position + 1, picked, length) == 0 {
                out.pointee = offered + position + 1
                return SSL_TLSEXT_ERR_OK
            }
            position += length + 1
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }

/// The newest reason in OpenSSL's error queue of this thread.
func openSSLReason() -> String {
    let code = ERR_peek_last_error()
    guard code != 0 else { return "no reason given" }
    guard let text = ERR_reason_error_string(code) else { return "error \(code)" }
    return String(cString: text)
}
