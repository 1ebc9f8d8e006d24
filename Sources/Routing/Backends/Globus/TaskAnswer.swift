import Transport

/// The answer of a task, as the relay reads it: what came by callback or in the task's result.
final class TaskAnswer: AnswerSource {
    private let channel: AnswerChannel
    private let head: AnswerChannel.Head
    private let client: Stream
    /// The piece handed out last.
    private var piece = ByteBuffer()

    /// - Parameter client: the connection that the answer goes to; its going ends a wait.
    init(_ channel: AnswerChannel, _ head: AnswerChannel.Head, client: Stream) {
        self.channel = channel
        self.head = head
        self.client = client
    }

    var status: Int { head.status }
    var isEventStream: Bool { head.contentType.lowercased().hasPrefix("text/event-stream") }
    var announcedLength: Int? { nil }

    func copyFields(to exchange: HTTPExchange) {
        exchange.field("Content-Type", head.contentType)
        if let seconds = head.retryAfterSeconds { exchange.field("Retry-After", seconds) }
        if head.isBuffered { exchange.field("X-Mesh-Stream", "buffered") }
    }

    func nextBodyPart(deadline: UInt64) async throws(TransportError) -> UnsafeRawBufferPointer? {
        piece.removeAll()
        guard try await channel.take(into: &piece, for: client, deadline: deadline) else { return nil }
        return piece.readable
    }
}
