extension HTTPExchange {
    /// The client may end TLS after our `101` and go on: from now on no byte is read ahead of what it says in HTTP. To be called
    /// while the client waits for the answer.
    public func prepareToSwitch() { stream.stopReadingAhead() }

    /// Ends HTTP on this connection: answers `101`, ends TLS in order and hands out the socket. The exchange is over with it.
    ///
    /// - Parameter deadline: monotonic nanoseconds.
    /// - Throws: when the client has gone, or did not wait for the answer; the connection is then closed.
    public func switchToRaw(deadline: UInt64) async throws(TransportError) -> OwnedSocket {
        precondition(answer == .none, "an exchange has one answer")
        do throws(TransportError) {
            guard head.contentLength ?? 0 == 0, !head.isChunked, stream.input.count == head.length else {
                throw TransportError(.protocolViolation, "a request that gives up its connection has no body")
            }
            stream.input.consume(head.length)
            status = 101
            answer = .done
            closesAfter = true
            stream.output.append("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: meshnode-raw\r\n\r\n")
            try await stream.flush()
            try await stream.endTLS(deadline: deadline)
            guard let socket = stream.release() else { throw TransportError.connectionLost }
            return socket
        } catch {
            stream.close()
            throw error
        }
    }
}
