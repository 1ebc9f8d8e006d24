extension Dialler {
    /// Asks a server to end HTTP and TLS on a connection, and returns it raw: the server answers `101`, both sides end TLS in order,
    /// and whoever the server joins it with is at the other end.
    ///
    /// - Parameters:
    ///   - target: of the request, a POST without a body.
    ///   - patience: nanoseconds between two interim answers, if the server may take its time; nil: the deadline is for all.
    ///   - checkPeer: looks at the connection before anything is sent: it throws to refuse the peer.
    ///   - interim: called at each interim answer.
    ///   - deadline: monotonic nanoseconds for connecting and, without `patience`, for the rest.
    /// - Throws: also `.connectionLost` with the server's reason when it does not switch.
    public func switched(
        over upstream: Upstream, target: String, fields: [(StaticString, String)] = [], for client: Stream? = nil,
        patience: UInt64? = nil, deadline: UInt64,
        checkPeer: (Stream) throws(TransportError) -> Void, interim: (Stream) -> Void = { _ in }
    ) async throws(TransportError) -> Stream {
        guard let tls = upstream.security.tls else {
            throw TransportError(.tls, "a connection to \(upstream.target) is not secured")
        }
        let stream = try await open(upstream, tls: tls, readsAhead: false, for: client, deadline: deadline)
        do throws(TransportError) {
            try checkPeer(stream)
            let connection = HTTPClientConnection(stream: stream, upstream: upstream)
            connection.startRequest("POST", target)
            for (name, value) in fields { connection.field(name, value) }
            connection.field("Content-Length", 0)
            connection.field("Connection", "upgrade")
            connection.field("Upgrade", "meshnode-raw")
            connection.endFields()
            try await stream.flush()
            let status = try await connection.readHead(
                switching: true, patience: patience, interim: { interim(stream) },
                deadline: patience.map { loop.now &+ $0 } ?? deadline)
            guard status == 101 else { throw try await refusal(status, connection) }
            try await stream.endTLS(deadline: loop.now &+ Self.endNanoseconds)
            return stream
        } catch {
            stream.close()
            throw error
        }
    }

    /// For the end of TLS on both sides.
    public static let endNanoseconds: UInt64 = 3_000_000_000

    private func refusal(_ status: Int, _ connection: HTTPClientConnection) async throws(TransportError) -> TransportError {
        let why = connection.head.first(named: "meshnode-refused", in: connection.headBytes).map {
            // A code; a hostile carrier could send any text.
            String(decoding: connection.headBytes[$0].prefix(64), as: UTF8.self)
        }
        return TransportError(
            .connectionLost, "\(connection.upstream.target) answered \(status)\(why.map { " (\($0))" } ?? "")")
    }
}
