internal import COpenSSL

extension Stream {
    /// Ends TLS in order, both ways, and leaves the connection open as a raw one: what comes next belongs to nobody's record layer.
    ///
    /// No byte after the peer's close_notify is taken: TLS must not have read ahead (`startTLS(readsAhead:)`), or `stopReadingAhead`
    /// was called while the peer was silent.
    ///
    /// - Parameter deadline: monotonic nanoseconds.
    /// - Throws: `.protocolViolation` if the peer goes on sending, or did not wait for the end.
    public func endTLS(deadline: UInt64) async throws(TransportError) {
        guard let session = tls else { return }
        precondition(output.isEmpty, "TLS ends after the last word")
        guard input.isEmpty else { throw Self.sentOn }
        readDeadline = deadline
        defer { readDeadline = .max }
        try await sendCloseNotify(session)
        try await awaitCloseNotify(session)
        // Bytes inside the library would be lost with it.
        guard SSL_has_pending(session.ssl) == 0 else { throw Self.sentOn }
        formerPeer = session.outcome.peer
        tls = nil
        canRead = true
        canWrite = true
    }

    /// From now on TLS takes no byte beyond the record that it reads: the peer may end TLS and go on.
    func stopReadingAhead() {
        if let session = tls { SSL_set_read_ahead(session.ssl, 0) }
    }

    private static var sentOn: TransportError {
        TransportError(.protocolViolation, "the peer sends on where TLS was to end")
    }

    private func sendCloseNotify(_ session: TLSSession) async throws(TransportError) {
        session.sentCloseNotify = true
        while true {
            ERR_clear_error()
            let result = SSL_shutdown(session.ssl)
            if result >= 0 { return }
            guard SSL_get_error(session.ssl, result) == SSL_ERROR_WANT_WRITE else {
                throw TransportError(.connectionLost, "the connection broke at the end of TLS")
            }
            canWrite = false
            try await waitWritable()
        }
    }

    private func awaitCloseNotify(_ session: TLSSession) async throws(TransportError) {
        var byte: UInt8 = 0
        while true {
            try checkOpen()
            ERR_clear_error()
            let received = SSL_read(session.ssl, &byte, 1)
            if received > 0 { throw Self.sentOn }
            switch SSL_get_error(session.ssl, received) {
            case SSL_ERROR_ZERO_RETURN: return
            case SSL_ERROR_WANT_READ:
                if peerHungUp { throw TransportError(.connectionLost, "the peer cut the connection at the end of TLS") }
                canRead = false
                try await waitReadable()
            default: throw TransportError(.connectionLost, "the peer cut the connection at the end of TLS")
            }
        }
    }
}
