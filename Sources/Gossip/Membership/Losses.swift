/// What of our small exchanges fails: the measure of how much one more failure says of a peer.
struct Losses: Sendable {
    /// A running mean of what fails with peers that live, as is known of each failure when the peer is heard again.
    private(set) var mean = Losses.least
    /// The same over fewer: for how much a failure says, it is the worse of the two that counts.
    private var quickMean = Losses.least
    /// The last exchanges in their turn, whatever came of the peer: the mean is slow to learn that a network has just turned bad.
    private var latest: [(peer: UInt64, failed: Bool)] = []
    private var next = 0

    static let least = 0.05
    private static let most = 0.7
    /// Exchanges over which the mean runs.
    private static let memory = 64.0
    private static let quickMemory = 16.0
    private static let window = 10

    mutating func learn(failed: Bool) {
        Losses.move(&mean, failed, Losses.memory)
        Losses.move(&quickMean, failed, Losses.quickMemory)
    }

    private static func move(_ mean: inout Double, _ failed: Bool, _ memory: Double) {
        mean += ((failed ? 1 : 0) - mean) / memory
        mean = min(max(mean, least), 1)
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
        // So few say little: one that failed counts for more (Laplace's rule), or a network that has just turned bad would be
        // taken for a good one.
        let lately = failures == 0 ? 0 : Double(failures + 1) / Double(Losses.window + 1)
        return -binaryLogarithm(min(max(mean, quickMean, lately), Losses.most))
    }

    /// The same of any peer while nobody at all is heard, so that the last exchanges say nothing of the network; two at most.
    var bitsInSilence: Double { min(2, -binaryLogarithm(min(max(mean, quickMean), Losses.most))) }
}
