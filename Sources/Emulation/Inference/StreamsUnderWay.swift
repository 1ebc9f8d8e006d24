import Transport

/// The connections on which a request is being answered, so that a server can end at once.
final class StreamsUnderWay {
    private var streams: [ObjectIdentifier: Stream] = [:]

    func add(_ stream: Stream) { streams[ObjectIdentifier(stream)] = stream }
    func remove(_ stream: Stream) { streams[ObjectIdentifier(stream)] = nil }

    /// Cuts them all off, and wakes who sleeps on one.
    func closeAll() {
        for stream in streams.values {
            let wake = stream.hangUpAction
            stream.close()
            wake?()
        }
    }
}
