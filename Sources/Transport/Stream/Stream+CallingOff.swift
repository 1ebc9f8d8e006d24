/// Work on behalf of a peer that goes away, or that is no longer allowed.
extension Stream {
    /// Calls off what is done on behalf of this stream's peer: every wait for it ends as if the peer had gone, with `error` where
    /// it can be told. The stream itself goes on.
    public func interrupt(_ error: TransportError) {
        guard interruption == nil else { return }
        interruption = error
        giveUpAttempts(error)
    }

    /// Enters an attempt made on behalf of this stream's peer, so that it is given up when that peer goes.
    ///
    /// - Throws: where that has happened already, while nothing could be given up: a name was looked up, a carrier asked. The attempt
    ///   is then closed.
    public func begin(_ attempt: Stream) throws(TransportError) {
        attempts.0 = attempt
        guard peerHungUp || interruption != nil else { return }
        attempt.close()
        throw interruption ?? .cancelled
    }

    /// What comes next is not called off.
    public func clearInterruption() { interruption = nil }

    /// Ends the stream and what is done on behalf of its peer.
    func giveUp(_ error: TransportError) {
        fail(error)
        giveUpAttempts(.cancelled)
    }

    func giveUpAttempts(_ error: TransportError) {
        attempts.0?.fail(error)
        attempts.1?.fail(error)
        if let action = hangUpAction {
            hangUpAction = nil
            action()
        }
    }
}
