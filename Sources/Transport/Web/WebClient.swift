import CLinux
import Synchronization

/// Makes calls by libcurl, on one thread of its own, for tasks of any executor. HTTP/2 where the server has it.
///
/// Off the way of inference requests: `HTTPClientConnection` costs less than half (`SWIFT.md` §4), but knows no proxy and no HTTP/2.
public final class WebClient: Sendable {
    public let settings: WebClientSettings
    private let thread: WebThread
    private let calls = Atomic<Int>(0)

    public init(_ settings: WebClientSettings = WebClientSettings()) {
        self.settings = settings
        thread = WebThread(settings)
        thread.start()
    }

    deinit { thread.stop() }

    /// Calls that wait or are under way: tests see by it that nothing is left behind.
    var callsUnderWay: Int { calls.load(ordering: .relaxed) }

    /// Makes one call. Redirects are not followed. If the calling task is cancelled the call is given up.
    ///
    /// Any status is an answer. A request with a body is never sent a second time by itself, whatever becomes of its connection.
    public func send(_ request: WebRequest) async throws(WebError) -> WebAnswer {
        defer {
            calls.subtract(1, ordering: .relaxed)
            // The thread ends with this object: not before the answer.
            withExtendedLifetime(self) {}
        }
        guard calls.add(1, ordering: .relaxed).newValue <= settings.callsAllowed else {
            throw WebError(
                .tooManyCalls, "more than \(settings.callsAllowed) calls to other services at once", mayHaveArrived: false)
        }
        guard !Task.isCancelled else { throw WebError.givenUp(mayHaveArrived: false) }
        let destination = try WebDestination(request.url)
        let ticket = WebTicket(deadline: mesh_monotonic_ns() + UInt64(WebLimits.seconds(request.timeoutSeconds) * 1e9))
        let thread = thread
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                thread.add(WebCall(request: request, destination: destination, ticket: ticket, continuation: continuation))
            }
        } onCancel: {
            thread.cancel(ticket)
        }
        return try outcome.get()
    }
}
