/// A connection with a peer that proved who it is.
protocol ProvenConnection: AnyObject {
    var peerIdentity: (any Sendable)? { get }
    /// Ends it for all who use it, and for what is done on its peer's behalf.
    func giveUp(_ error: TransportError)
}

extension Stream: ProvenConnection {}

extension Loop {
    /// Ends the connections whose peer is meant; returns how many those were.
    func endConnections(_ error: TransportError, where peer: (any Sendable) -> Bool) -> Int {
        assertCurrent()
        var ended = 0
        for connection in Array(proven.values) where connection.peerIdentity.map(peer) == true {
            connection.giveUp(error)
            ended += 1
        }
        return ended
    }

    /// Ends the streams of which one side's certificate is past its end; returns how many those were.
    ///
    /// Both sides do so. Whoever dialled goes first: it is the one that can tell its user why.
    ///
    /// - Parameter now: seconds since 1970.
    func endExpired(_ error: TransportError, now: Int64) -> Int {
        assertCurrent()
        var ended = 0
        for case let stream as Stream in Array(proven.values) where !stream.hasFailed {
            let limit = stream.tls?.context.role == .server ? now - Self.diallersLeadSeconds : now
            guard let end = stream.certificatesEnd, end <= limit else { continue }
            stream.fail(error)
            ended += 1
        }
        return ended
    }

    /// More than the time between two looks.
    private static let diallersLeadSeconds: Int64 = 3
}
