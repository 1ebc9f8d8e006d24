import CLinux
internal import COpenSSL
import Glibc

/// The TLS half of one stream. Owned by it; freed with it.
final class TLSSession {
    let ssl: OpaquePointer
    let context: TLSContext
    let outcome = HandshakeOutcome()
    var sentCloseNotify = false

    init?(context: TLSContext, descriptor: Int32) {
        guard let ssl = SSL_new(context.context) else { return nil }
        self.ssl = ssl
        self.context = context
        SSL_set_fd(ssl, descriptor)
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(outcome).toOpaque())
    }

    deinit { SSL_free(ssl) }
}

extension Stream {
    /// Makes this stream a TLS stream: shakes hands in the context's role, whoever dialled.
    ///
    /// - Parameters:
    ///   - serverName: for a client: sent as SNI, and checked against the certificate where the context checks host names.
    ///   - readsAhead: false where TLS will be ended in order (`endTLS`), so that no byte after it is taken.
    ///   - deadline: monotonic nanoseconds.
    /// - Throws: `.tls` with the peer's refusal or ours in words, `.timedOut`.
    public func startTLS(
        _ context: TLSContext, serverName: String? = nil, readsAhead: Bool = true, deadline: UInt64
    ) async throws(TransportError) {
        precondition(tls == nil && input.isEmpty && output.isEmpty, "TLS starts on a fresh stream")
        guard let session = TLSSession(context: context, descriptor: descriptor) else {
            throw TransportError(.tls, "OpenSSL gives no session: \(openSSLReason())")
        }
        tls = session
        formerPeer = nil
        if !readsAhead { stopReadingAhead() }
        if context.role == .server {
            SSL_set_accept_state(session.ssl)
        } else {
            SSL_set_connect_state(session.ssl)
            if let serverName {
                let isLiteral = SocketAddress(literal: serverName, port: 0) != nil
                if !isLiteral { _ = mesh_SSL_set_tlsext_host_name(session.ssl, serverName) }
                if context.checksHostName {
                    let parameters = SSL_get0_param(session.ssl)
                    _ =
                        isLiteral
                        ? X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName)
                        : X509_VERIFY_PARAM_set1_host(parameters, serverName, 0)
                }
            }
        }
        readDeadline = deadline
        defer { readDeadline = .max }
        while true {
            ERR_clear_error()
            let result = SSL_do_handshake(session.ssl)
            if result == 1 {
                guard !context.requiresApplicationProtocol || !applicationProtocol.isEmpty else {
                    throw TransportError(.tls, "the peer offers no application protocol of ours (ALPN)")
                }
                if session.outcome.peer != nil { loop.proven[ObjectIdentifier(self)] = self }
                return
            }
            try await wait(for: SSL_get_error(session.ssl, result))
        }
    }

    /// Who the peer is, as the context's own check returned it.
    public var peerIdentity: (any Sendable)? { tls == nil ? formerPeer : tls?.outcome.peer }

    /// Whether the peer would be let in now as it was in its handshake. What it showed is checked again where `round` is another than
    /// the last time; before, and without a check of our own, it would.
    ///
    /// - Parameter round: rises when what the check goes by has changed.
    public func isStillProven(asOf round: UInt64) -> Bool {
        guard let tls, let shown = tls.outcome.shown else { return true }
        if let last = tls.outcome.lastCheck, last.round == round { return last.isGood }
        var isGood = true
        do { try tls.context.checkAgain(shown) } catch { isGood = false }
        tls.outcome.lastCheck = (round, isGood)
        return isGood
    }

    /// After a refused handshake: who issued the certificate shown, if it is none of those that were to be expected.
    var strangeIssuer: String? { tls?.outcome.strangeIssuer }

    /// The name of the TLS context that it was made with; empty without TLS.
    public var contextName: String { tls?.context.name ?? "" }

    /// The peer's own certificate, DER; nil where it showed none.
    public var peerCertificate: [UInt8]? {
        guard let tls, let shown = SSL_get0_peer_certificate(tls.ssl) else { return nil }
        return der(shown)
    }

    /// Seconds since 1970 at which the first of both sides' certificates ends: what was proven by them holds no longer than that.
    var certificatesEnd: Int64? {
        guard let tls else { return nil }
        let ends = [SSL_get0_peer_certificate(tls.ssl), SSL_get_certificate(tls.ssl)].compactMap { certificate in
            certificate.flatMap(notAfter)
        }
        return ends.min()
    }

    /// The application protocol agreed on, empty without one.
    public var applicationProtocol: String {
        guard let tls else { return "" }
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(tls.ssl, &name, &length)
        guard let name else { return "" }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    /// Waits for what an unfinished handshake wants.
    private func wait(for result: Int32) async throws(TransportError) {
        switch result {
        case SSL_ERROR_WANT_READ:
            // OpenSSL has read all there is; after the peer's end nothing more will wake us.
            if peerHungUp { throw handshakeError("the peer closed the connection in the TLS handshake") }
            canRead = false
            try await waitReadable()
        case SSL_ERROR_WANT_WRITE:
            canWrite = false
            try await waitWritable()
        default:
            throw handshakeError(nil)
        }
    }

    private func handshakeError(_ plain: String?) -> TransportError {
        if let refusal = tls?.outcome.refusal { return TransportError(.tls, refusal) }
        if let plain { return TransportError(.handshakeCut, plain) }
        if let tls {
            let result = SSL_get_verify_result(tls.ssl)
            if result != Int(X509_V_OK), tls.context.checksHostName, let text = X509_verify_cert_error_string(result) {
                return TransportError(.tls, "the server's certificate is refused: \(String(cString: text))")
            }
        }
        let isCut = ERR_peek_last_error() == 0
        return TransportError(isCut ? .handshakeCut : .tls, "TLS handshake failed: \(secureReason())")
    }

    private func secureReason() -> String {
        ERR_peek_last_error() == 0 ? "the peer cut the connection" : openSSLReason()
    }

    func fillSecure(_ wanted: Int) async throws(TransportError) -> Int {
        while true {
            try checkOpen()
            guard let tls else { throw TransportError.connectionLost }
            switch try readSecure(tls, wanted) {
            case .bytes(let count): return count
            case .wantsRead: try await waitReadable()
            case .wantsWrite: try await waitWritable()
            }
        }
    }

    /// What one attempt at receiving came to.
    enum SecureRead {
        /// Added to `input`; 0 at the peer's end of stream.
        case bytes(Int)
        /// There is nothing just now, or nothing before something was sent.
        case wantsRead, wantsWrite
    }

    /// Receives what there is into `input`, without waiting.
    func readSecure(_ tls: TLSSession, _ wanted: Int) throws(TransportError) -> SecureRead {
        let space = input.room(wanted)
        ERR_clear_error()
        let received = SSL_read(tls.ssl, space.baseAddress, Int32(min(space.count, Self.readBytes)))
        if received > 0 {
            input.commit(Int(received))
            return .bytes(Int(received))
        }
        switch SSL_get_error(tls.ssl, received) {
        case SSL_ERROR_ZERO_RETURN: return .bytes(0)
        case SSL_ERROR_WANT_READ:
            canRead = false
            if peerHungUp { throw TransportError(.connectionLost, "the peer cut the TLS connection") }
            return .wantsRead
        case SSL_ERROR_WANT_WRITE:
            canWrite = false
            return .wantsWrite
        case SSL_ERROR_SYSCALL: throw TransportError(.connectionLost, "the peer cut the TLS connection")
        // A cut without close_notify: OpenSSL's word for it since 3.0.
        case SSL_ERROR_SSL where mesh_ERR_reason(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING:
            throw TransportError(.connectionLost, "the peer cut the TLS connection")
        default: throw TransportError(.tls, "TLS failed: \(secureReason())")
        }
    }

    func sendSecure(_ bytes: UnsafeRawBufferPointer) async throws(TransportError) -> Int {
        while true {
            try checkOpen()
            guard let tls else { throw TransportError.connectionLost }
            ERR_clear_error()
            let sent = SSL_write(tls.ssl, bytes.baseAddress, Int32(min(bytes.count, 1 << 30)))
            if sent > 0 { return Int(sent) }
            switch SSL_get_error(tls.ssl, sent) {
            case SSL_ERROR_WANT_WRITE:
                canWrite = false
                try await waitWritable()
            case SSL_ERROR_WANT_READ:
                canRead = false
                try await waitReadable()
            default: throw TransportError(.connectionLost, "TLS sending failed: \(secureReason())")
            }
        }
    }

    func sendNowSecure(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let tls else { return false }
        ERR_clear_error()
        return SSL_write(tls.ssl, bytes.baseAddress, Int32(bytes.count)) == Int32(bytes.count)
    }

    /// Says that we send no more. Does not wait for the peer's answer.
    func shutDownSecure() {
        guard let tls, !tls.sentCloseNotify else { return }
        tls.sentCloseNotify = true
        ERR_clear_error()
        _ = SSL_shutdown(tls.ssl)
    }

    func closeSecure() {
        shutDownSecure()
        tls = nil
    }
}

private func notAfter(_ certificate: OpaquePointer) -> Int64? {
    var parts = tm()
    guard let end = X509_get0_notAfter(certificate), ASN1_TIME_to_tm(end, &parts) == 1 else { return nil }
    return Int64(timegm(&parts))
}
