/// Opens connections on one loop: by address, through a proxy, or over a carrier; with TLS where the upstream has it.
public final class Dialler {
    public let loop: Loop
    let resolver: Resolver

    init(loop: Loop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
    }

    /// Connects and shakes hands.
    ///
    /// - Parameters:
    ///   - tls: nil: a plain connection.
    ///   - readsAhead: false for a connection whose TLS will be ended in order (`Stream.endTLS`).
    ///   - deadline: monotonic nanoseconds.
    func open(
        _ upstream: Upstream, tls: TLSContext?, readsAhead: Bool = true, for client: Stream?, deadline: UInt64
    ) async throws(TransportError) -> Stream {
        let stream = try await raw(upstream, for: client, deadline: deadline)
        guard let tls else { return stream }
        do throws(TransportError) {
            upstream.handshakes?.note(onRequest: client != nil)
            try await stream.startTLS(
                tls, serverName: upstream.serverName, readsAhead: readsAhead, deadline: deadline)
            return stream
        } catch {
            let explained = stream.explain(error, calling: upstream.target)
            stream.close()
            throw explained
        }
    }

    private func raw(_ upstream: Upstream, for client: Stream?, deadline: UInt64) async throws(TransportError) -> Stream {
        switch upstream.way {
        case .direct: return try await connect(to: upstream.target, for: client, deadline: deadline)
        case .over(let other): return try await other.dial(with: self, for: client, deadline: deadline)
        case .proxy(let proxy):
            let stream: Stream
            do throws(TransportError) {
                stream = try await connect(to: proxy.address, for: client, deadline: deadline)
            } catch {
                guard error.code != .cancelled else { throw error }
                throw TransportError(.proxy, "proxy \(proxy.name) cannot be reached: \(error.message)")
            }
            do throws(TransportError) {
                try await stream.openTunnel(to: upstream.target, by: proxy, deadline: deadline)
                return stream
            } catch {
                stream.close()
                throw error
            }
        }
    }

    /// Connects to the first of the host's addresses that answers.
    private func connect(
        to target: HostPort, for client: Stream?, deadline: UInt64
    ) async throws(TransportError) -> Stream {
        var last = TransportError.connectionLost
        for address in try await resolver.resolve(target) {
            do throws(TransportError) {
                return try await Transport.connect(loop, to: address, for: client, deadline: deadline)
            } catch {
                if error.code == .cancelled || error.code == .timedOut { throw error }
                last = error
            }
        }
        throw last
    }
}

extension Stream {
    /// Adds to a refused certificate what a network team needs to know, where it looks as if they were in between.
    func explain(_ error: TransportError, calling target: HostPort) -> TransportError {
        guard error.code == .tls || error.code == .handshakeCut, let issuer = strangeIssuer else { return error }
        return TransportError(
            error.code,
            "\(error.message); what answers at \(target) shows a certificate issued by \"\(issuer)\". If that is a "
                + "TLS-inspecting proxy, ask the network team to exempt \(target) from inspection")
    }
}
