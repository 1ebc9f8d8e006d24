extension Loop {
    /// Ends the streams whose peer is meant; returns how many those were.
    func endConnections(_ error: TransportError, where peer: (any Sendable) -> Bool) -> Int {
        assertCurrent()
        var ended = 0
        for stream in Array(proven.values) where stream.peerIdentity.map(peer) == true {
            stream.giveUp(error)
            ended += 1
        }
        return ended
    }
}
