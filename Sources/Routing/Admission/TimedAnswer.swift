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

    func ended(tokens: Int) { clock?.ended(tokens: tokens, now: loop.now) }
}

/// Tells a gate, once, how long the first token of a request took, and how fast the others came.
final class FirstTokenClock {
    private let gate: Gate
    private let began: UInt64
    private let promptTokens: Int
    /// Monotonic nanoseconds of the first token; 0: it has not come.
    private var first: UInt64 = 0

    init(gate: Gate, began: UInt64, promptTokens: Int) {
        self.gate = gate
        self.began = began
        self.promptTokens = promptTokens
    }

    func firstToken(now: UInt64) {
        guard first == 0 else { return }
        first = max(now, 1)
        gate.sawFirstToken(began: began, promptTokens: promptTokens, now: now)
    }

    /// - Parameter tokens: of the whole answer.
    func ended(tokens: Int, now: UInt64) {
        guard first != 0, now > first else { return }
        gate.speed.add(tokens: tokens - 1, seconds: Double(now - first) * 1e-9)
    }
}
