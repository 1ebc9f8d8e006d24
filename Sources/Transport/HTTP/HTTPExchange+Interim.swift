/// Tells a client now and then that its answer is still to come.
final class InterimTimer: TimerNode {
    unowned let exchange: HTTPExchange
    var interval: UInt64 = 0

    init(_ exchange: HTTPExchange) {
        self.exchange = exchange
        super.init()
    }

    override func expired() { exchange.interimIsDue() }
}

extension HTTPExchange {
    /// Sends `102` (RFC 2518 §10.1) each time that `interval` nanoseconds pass before the answer begins, so that proxies which cut
    /// silent connections do not cut this one. Ends by itself with the answer. For clients that read interim answers: other nodes.
    public func sayProcessing(every interval: UInt64) {
        let timer = interim ?? InterimTimer(self)
        interim = timer
        timer.interval = interval
        worker.loop.arm(timer, at: worker.loop.now &+ interval)
    }

    func stopProcessing() {
        if let interim { worker.loop.disarm(interim) }
    }

    func interimIsDue() {
        guard let interim, answer == .none, stream.isOpen else { return }
        // A socket that takes not even this, with nothing before it, has nobody reading at its other end.
        guard stream.output.isEmpty, stream.sendNow(Self.processing) else { return stream.fail(.connectionLost) }
        worker.loop.arm(interim, at: worker.loop.now &+ interim.interval)
    }

    /// Sends one interim answer now.
    public func sendInterim() async throws(TransportError) {
        precondition(answer == .none, "an interim answer comes before the answer")
        stream.output.append(Self.processing)
        try await stream.flush()
    }

    private static let processing: StaticString = "HTTP/1.1 102 Processing\r\n\r\n"
}
