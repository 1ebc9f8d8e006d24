import Synchronization

typealias WebOutcome = Result<WebAnswer, WebError>

/// What is known of a call on both sides: the task that waits, and the thread that makes it.
final class WebTicket: Sendable {
    /// Monotonic nanoseconds.
    let deadline: UInt64
    private let cancelled = Atomic<Bool>(false)

    init(deadline: UInt64) { self.deadline = deadline }

    func cancel() { cancelled.store(true, ordering: .relaxed) }
    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }
}

/// A call on its way to the thread.
struct WebCall: Sendable {
    let request: WebRequest
    let destination: WebDestination
    let ticket: WebTicket
    /// Resumed once, by the thread.
    let continuation: UnsafeContinuation<WebOutcome, Never>
}
