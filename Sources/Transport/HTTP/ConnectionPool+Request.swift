/// A whole small answer.
public struct HTTPAnswer: Sendable {
    public let status: Int
    public let body: [UInt8]
}

extension ConnectionPool {
    /// One small request with its whole answer: health polls, gossip, commands between nodes. Not for the request path.
    ///
    /// A reused connection that turns out closed is replaced once by a fresh one.
    ///
    /// - Parameters:
    ///   - host: what stands as `Host` in the place of the server's name: for peers that go by the certificate alone.
    ///   - limit: bytes of the answer's body; a longer one is `.limitExceeded`.
    ///   - deadline: monotonic nanoseconds for everything.
    ///   - checkPeer: looks at the connection before anything is sent: it throws to refuse the peer.
    ///   - identify: fields that depend on the connection.
    public func request(
        _ upstream: Upstream, method: StaticString = "GET", target: String, fields: [(StaticString, String)] = [],
        body: [UInt8] = [], host: StaticString? = nil, limit: Int, deadline: UInt64,
        checkPeer: (Stream) throws(TransportError) -> Void = { (_) throws(TransportError) in },
        identify: (Stream) -> [(StaticString, String)] = { _ in [] }
    ) async throws(TransportError) -> HTTPAnswer {
        var fresh = false
        while true {
            let connection = try await acquire(upstream, fresh: fresh, deadline: deadline)
            do throws(TransportError) {
                try checkPeer(connection.stream)
                connection.startRequest(method, target, host: host)
                for (name, value) in fields { connection.field(name, value) }
                for (name, value) in identify(connection.stream) { connection.field(name, value) }
                if !body.isEmpty || method.description == "POST" { connection.field("Content-Length", body.count) }
                connection.endFields()
                connection.stream.output.append(body)
                try await connection.stream.flush()
                let status = try await connection.readHead(deadline: deadline)
                var answer: [UInt8] = []
                while let part = try await connection.nextBodyPart(deadline: deadline) {
                    guard answer.count + part.count <= limit else {
                        throw TransportError(.limitExceeded, "the answer is larger than \(limit) bytes")
                    }
                    answer.append(contentsOf: part)
                }
                release(connection)
                return HTTPAnswer(status: status, body: answer)
            } catch {
                connection.stream.close()
                guard connection.isReused, !connection.sawFirstByte, !fresh,
                    error.code == .endOfStream || error.code == .connectionLost
                else { throw error }
                fresh = true
            }
        }
    }
}
