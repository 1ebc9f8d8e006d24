/// Tells a client now and then that its answer is still to come.
final class InterimTimer: TimerNode {
    /// Gone with its connection, while the loop still holds the timer.
    weak var exchange: HTTPExchange?
    var interval: UInt64 = 0
    /// Bytes of the answer that were sent when it was last looked at.
    var sentBefore = 0

    init(_ exchange: HTTPExchange) {
        self.exchange = exchange
        super.init()
    }

    override func expired() { exchange?.interimIsDue() }
}

extension HTTPExchange {
    /// Gives a sign of life each time that `interval` nanoseconds pass in silence, so that proxies which cut silent connections do not
    /// cut this one: `102` (RFC 2518 §10.1) before the answer is sent, a comment between the events of one that streams. Ends by
    /// itself with the answer. For clients that read interim answers: other nodes.
    public func sayProcessing(every interval: UInt64) {
        let timer = interim ?? InterimTimer(self)
        interim = timer
        timer.interval = interval
        timer.sentBefore = bytesSent
        worker.loop.arm(timer, at: worker.loop.now &+ interval)
    }

    func stopProcessing() {
        if let interim { worker.loop.disarm(interim) }
    }

    func interimIsDue() {
        guard let interim, answer != .done, stream.isOpen else { return }
        // Of what is being written the client may have a part: nothing may come between. And whoever reads slowly has enough to read.
        if !stream.isWriting, stream.takesMore, let sign = sign(sentBefore: interim.sentBefore) {
            // A part of it may have gone out: nothing can follow.
            guard stream.sendNow(sign) else { return stream.fail(.connectionLost) }
        }
        interim.sentBefore = bytesSent
        worker.loop.arm(interim, at: worker.loop.now &+ interim.interval)
    }

    /// What may be said just now; nil: nothing.
    private func sign(sentBefore: Int) -> StaticString? {
        // The answer's head may stand in the output: nothing of it is sent yet.
        if answer != .body || (bytesSent == 0 && !stream.output.isEmpty) { return Self.processing }
        guard answersWithEvents, isChunked, stream.output.isEmpty, bytesSent == sentBefore else { return nil }
        return Self.comment
    }

    /// A chunk with an event-stream comment that says nothing.
    private static let comment: StaticString = "3\r\n:\n\n\r\n"

    /// Sends one interim answer now.
    public func sendInterim() async throws(TransportError) {
        precondition(answer == .none, "an interim answer comes before the answer")
        stream.output.append(Self.processing)
        try await stream.flush()
    }

    private static let processing: StaticString = "HTTP/1.1 102 Processing\r\n\r\n"
}
