/// Bytes of the longest answer of a proxy that is read.
private let proxyAnswerBytes = 16_384

extension Stream {
    /// Asks the proxy that this connection leads to for a tunnel to `target`. After it the stream is as if dialled there.
    ///
    /// - Parameter deadline: monotonic nanoseconds.
    /// - Throws: one line that names the proxy, the target and what to do.
    func openTunnel(to target: HostPort, by proxy: HTTPProxy, deadline: UInt64) async throws(TransportError) {
        output.append("CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n")
        if let authorization = proxy.authorization { output.append("Proxy-Authorization: \(authorization)\r\n") }
        output.append("\r\n")
        readDeadline = deadline
        defer { readDeadline = .max }
        var head = HTTPHead(.response)
        do throws(TransportError) {
            try await flush()
            while true {
                do throws(HTTPSyntaxError) {
                    if !input.isEmpty, try head.parse(input.readable, limits: HTTPLimits()) {
                        if head.status >= 200 { break }
                        input.consume(head.length)
                        head.reset()
                        continue
                    }
                } catch {
                    throw TransportError(
                        .proxy, "what answers at proxy \(proxy.name) is no HTTP proxy: \(error.reason)")
                }
                guard input.count < proxyAnswerBytes else {
                    throw TransportError(.proxy, "proxy \(proxy.name) gives an endless answer")
                }
                if try await fill() == 0 {
                    throw TransportError(
                        .proxy, "proxy \(proxy.name) closed the connection when asked for \(target)")
                }
            }
        } catch {
            guard error.code == .timedOut else { throw error }
            throw TransportError(.proxy, "proxy \(proxy.name) did not answer in time when asked for \(target)")
        }
        guard head.status < 300 else { throw refusal(head.status, target, proxy) }
        input.consume(head.length)
        // Whom we call by TLS waits for our first word: nobody honest has spoken yet.
        guard input.isEmpty else {
            throw TransportError(.proxy, "proxy \(proxy.name) sends bytes of its own into a new tunnel")
        }
    }

    private func refusal(_ status: Int, _ target: HostPort, _ proxy: HTTPProxy) -> TransportError {
        switch status {
        case 407 where proxy.credentials == nil:
            TransportError(
                .proxy,
                "proxy \(proxy.name) asks for credentials (407): set proxy.userFile and proxy.passwordFile")
        case 407:
            TransportError(
                .proxy,
                "proxy \(proxy.name) does not take our credentials (407): look at proxy.userFile and proxy.passwordFile")
        case 401, 403, 405:
            TransportError(
                .proxy,
                "proxy \(proxy.name) refuses connections to \(target) (\(status)): ask who runs it to allow CONNECT there")
        case 502, 503, 504:
            TransportError(
                .proxy,
                "proxy \(proxy.name) cannot reach \(target) (\(status)): is it up, and may the proxy connect to it?")
        default: TransportError(.proxy, "proxy \(proxy.name) answered \(status) when asked for \(target)")
        }
    }
}
