import Transport

/// An answer of one of this node's own servers, whose first piece tells how long the first token took.
struct TimedAnswer<Source: AnswerSource>: AnswerSource {
    let source: Source
    let loop: Loop
    /// nil: nothing is measured.
    let clock: FirstTokenClock?

    var status: Int { source.status }
    var isEventStream: Bool { source.isEventStream }
    var announcedLength: Int? { source.announcedLength }
    func copyFields(to exchange: HTTPExchange) { source.copyFields(to: exchange) }

    func nextBodyPart(deadline: UInt64) async throws(TransportError) -> UnsafeRawBufferPointer? {
        let part = try await source.nextBodyPart(deadline: deadline)
        if let clock, part != nil { clock.firstToken(now: loop.now) }
        return part
    }
}

/// Tells a gate, once, how long the first token of a request took.
final class FirstTokenClock {
    private let gate: Gate
    private let began: UInt64
    private let promptTokens: Int
    private var isOver = false

    init(gate: Gate, began: UInt64, promptTokens: Int) {
        self.gate = gate
        self.began = began
        self.promptTokens = promptTokens
    }

    func firstToken(now: UInt64) {
        guard !isOver else { return }
        isOver = true
        gate.sawFirstToken(began: began, promptTokens: promptTokens, now: now)
    }
}
