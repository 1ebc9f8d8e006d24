extension ConnectionPool {
    /// How connections are kept warm.
    public struct Warmth: Sendable {
        /// Nanoseconds that one may be idle before a small request is sent on it.
        public var pingAfter: UInt64 = 25_000_000_000
        /// Kept for the requests of a moment like the busiest of late.
        public var mostKept = 32
        /// A connection that has less left to live is replaced ahead; nanoseconds.
        public var ahead: UInt64 = 60_000_000_000

        public init() {}
    }

    /// What is to be done for an upstream just now, so that a request finds a connection ready. In the background: never for a request.
    ///
    /// - Parameter ping: a small request with its answer, which also checks the peer.
    /// - Throws: why no connection could be made ready.
    public func tend(
        _ upstream: Upstream, _ warmth: Warmth, deadline: UInt64,
        ping: (HTTPClientConnection) async throws(TransportError) -> Void
    ) async throws(TransportError) {
        for connection in takeSilent(upstream, warmth) {
            do throws(TransportError) {
                connection.begin(isReused: true)
                try await ping(connection)
                release(connection)
            } catch { connection.stream.close() }
        }
        guard !hasReady(upstream, warmth) else { return }
        let connection = try await acquire(upstream, fresh: true, deadline: deadline)
        do throws(TransportError) {
            try await ping(connection)
            release(connection)
        } catch {
            connection.stream.close()
            throw error
        }
    }

    /// Takes those idle connections that are to be kept and have been silent for long.
    private func takeSilent(_ upstream: Upstream, _ warmth: Warmth) -> [HTTPClientConnection] {
        let shelf = shelf(of: upstream)
        let kept = min(max(1, shelf.peak(now: loop.now)), warmth.mostKept)
        let generation = upstream.security.generation
        var taken: [HTTPClientConnection] = []
        // The oldest come first; those beyond what is kept may go of age.
        for connection in shelf.idle.suffix(kept)
        where connection.idleSince &+ warmth.pingAfter <= loop.now
            && connection.canServe(generation: generation, now: loop.now &+ warmth.ahead)
        {
            taken.append(connection)
        }
        shelf.idle.removeAll { idle in taken.contains { $0 === idle } }
        return taken
    }

    /// Whether an idle connection is there that will serve for a while.
    private func hasReady(_ upstream: Upstream, _ warmth: Warmth) -> Bool {
        let generation = upstream.security.generation
        return shelf(of: upstream).idle.contains {
            $0.canServe(generation: generation, now: loop.now &+ warmth.ahead)
        }
    }
}
