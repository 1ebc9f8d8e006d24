import CLinux

extension Loop {
    /// Ends the streams whose peer is meant; returns how many those were.
    func endConnections(_ error: TransportError, where peer: (any Sendable) -> Bool) -> Int {
        assertCurrent()
        var ended = 0
        for stream in Array(proven.values) where stream.peerIdentity.map(peer) == true {
            stream.fail(error)
            ended += 1
        }
        return ended
    }

    /// Ends the streams of which one side's certificate is past its end; returns how many those were.
    ///
    /// - Parameter now: seconds since 1970.
    func endExpired(_ error: TransportError, now: Int64) -> Int {
        assertCurrent()
        var ended = 0
        for stream in Array(proven.values) where !stream.hasFailed && (stream.certificatesEnd ?? .max) <= now {
            stream.fail(error)
            ended += 1
        }
        return ended
    }
}
