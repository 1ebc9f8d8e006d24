/// What of our small exchanges fails: the measure of how much one more failure says of a peer.
struct Losses: Sendable {
    /// A running mean of what fails with peers that live, as is known of each failure when the peer is heard again.
    private(set) var mean = Losses.least
    /// The last exchanges in their turn, whatever came of the peer: the mean is slow to learn that a network has just turned bad.
    private var latest: [(peer: UInt64, failed: Bool)] = []
    private var next = 0

    static let least = 0.05
    private static let most = 0.7
    /// Exchanges over which the mean runs.
    private static let memory = 64.0
    private static let window = 10

    mutating func learn(failed: Bool) {
        mean += ((failed ? 1 : 0) - mean) / Losses.memory
        mean = min(max(mean, Losses.least), 1)
    }

    mutating func note(_ peer: UInt64, failed: Bool) {
        if latest.count < Losses.window {
            latest.append((peer, failed))
        } else {
            latest[next] = (peer, failed)
            next = (next + 1) % Losses.window
        }
    }

    /// How much evidence against a peer one failure is: log2 of how seldom exchanges with others fail by accident.
    func bits(against peer: UInt64) -> Double {
        var failures = 0
        for exchange in latest where exchange.failed && exchange.peer != peer { failures += 1 }
        let lately = Double(failures) / Double(Losses.window)
        return -binaryLogarithm(min(max(mean, lately), Losses.most))
    }
}
