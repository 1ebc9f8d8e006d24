import Synchronization

/// How fast one model of this node writes one answer, as its streams have shown.
final class AnswerSpeed: Sendable {
    /// Fewer tell of the server's buffers rather than of its speed.
    static let fewestTokens = 8
    /// Weight of the newest answer.
    private static let weight = 0.1

    private let measured = Mutex<Double?>(nil)

    init() {}

    /// Tokens a second; nil: nothing was measured yet.
    var tokensPerSecond: Double? { measured.withLock { $0 } }

    func add(tokens: Int, seconds: Double) {
        guard tokens >= Self.fewestTokens, seconds > 0 else { return }
        let speed = min(Double(tokens) / seconds, 1e6)
        measured.withLock { $0 = $0.map { $0 + (speed - $0) * Self.weight } ?? speed }
    }
}
