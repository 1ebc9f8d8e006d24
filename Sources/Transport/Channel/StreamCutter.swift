/// Ends a stream's waits from any thread.
///
/// `@unchecked Sendable`: the stream is touched on its own loop alone; the reference travels, what it points to does not. It is weak, so
/// that a connection that ended meanwhile is not kept.
public final class StreamCutter: @unchecked Sendable {
    private weak var stream: Stream?
    private let loop: Loop

    /// On the stream's own loop.
    public init(_ stream: Stream) {
        self.stream = stream
        loop = stream.loop
    }

    /// Gives the stream up, soon.
    public func cut() {
        Task(executorPreference: loop) { self.cutNow() }
    }

    private func cutNow() {
        loop.assertCurrent()
        stream?.fail(TransportError(.cancelled, "nobody waits for this any more"))
    }
}
