import CCurl
import CLinux

/// The calls under way. Lives on the web thread.
final class WebTransfers {
    private let multi: UnsafeMutableRawPointer
    private let settings: WebClientSettings
    private var active: [UnsafeMutableRawPointer: WebTransfer] = [:]
    /// Not later than the first deadline of all calls; monotonic nanoseconds.
    private var firstDeadline = UInt64.max
    /// Milliseconds that the thread sleeps at most when nothing is to be done; it is woken for anything new.
    private static let longestWait: UInt64 = 60_000

    init(_ multi: UnsafeMutableRawPointer, _ settings: WebClientSettings) {
        self.multi = multi
        self.settings = settings
    }

    func add(_ call: WebCall) {
        guard !call.ticket.isCancelled else { return call.finish(.failure(.givenUp(mayHaveArrived: false))) }
        guard let transfer = WebTransfer(call) else { return call.finish(.failure(.noMemory)) }
        if let error = transfer.prepare(settings) { return call.finish(.failure(error)) }
        guard curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else { return call.finish(.failure(.noMemory)) }
        active[transfer.easy] = transfer
        firstDeadline = min(firstDeadline, call.ticket.deadline)
    }

    func cancel(_ ticket: WebTicket) {
        guard let transfer = active.values.first(where: { $0.call.ticket === ticket }) else { return }
        finish(transfer, .failure(.givenUp(mayHaveArrived: transfer.requestHasBegun)))
    }

    /// Moves bytes, ends what is done or late.
    func perform() {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle, let transfer = active[easy]
            else { continue }
            // The message is gone once its handle is removed.
            finish(transfer, transfer.outcome(of: mesh_message_result(message)))
        }
        let now = mesh_monotonic_ns()
        if now >= firstDeadline { expire(now) }
    }

    func waitMilliseconds() -> Int32 {
        let now = mesh_monotonic_ns()
        guard firstDeadline > now else { return 0 }
        // Rounded up: waking a little early would only mean to wait again.
        return Int32(min(Self.longestWait, (firstDeadline - now) / 1_000_000 + 1))
    }

    func end() {
        for transfer in active.values {
            finish(transfer, .failure(.givenUp(mayHaveArrived: transfer.requestHasBegun)))
        }
    }

    /// libcurl's own timeout does not count while a call waits for a connection: this one does.
    private func expire(_ now: UInt64) {
        for transfer in active.values where transfer.call.ticket.deadline <= now {
            let message =
                "\(transfer.call.destination.name) gave no whole answer within \(transfer.call.request.timeoutSeconds) s"
            finish(transfer, .failure(WebError(.timedOut, message, mayHaveArrived: transfer.requestHasBegun)))
        }
        firstDeadline = active.values.reduce(UInt64.max) { min($0, $1.call.ticket.deadline) }
    }

    private func finish(_ transfer: WebTransfer, _ outcome: WebOutcome) {
        curl_multi_remove_handle(multi, transfer.easy)
        active[transfer.easy] = nil
        transfer.call.finish(outcome)
    }
}

extension WebCall {
    func finish(_ outcome: WebOutcome) { continuation.resume(returning: outcome) }
}
