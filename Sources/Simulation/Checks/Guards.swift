import Gossip

/// Limits on what a machine sends, which it has to keep by itself, seen from outside.
struct Guards {
    private struct Sender {
        /// Bytes that it may send now: what its settings allow for any time, kept independently of its own account.
        var level: Double
        var filledAt: UInt64
        /// Conversations begun since the last round.
        var begun = 0
    }

    private let settings: Settings
    private var senders: [Sender]

    /// How often a view is looked at whole, a node at a time.
    static let auditNanoseconds: UInt64 = 1_000_000_000

    init(_ settings: Settings, nodes: Int) {
        self.settings = settings
        senders = Array(repeating: Sender(level: settings.burstBytes, filledAt: 0), count: nodes)
    }

    /// A node starts, with an account of its own.
    mutating func begin(_ node: Int, at now: UInt64) {
        senders[node] = Sender(level: settings.burstBytes, filledAt: now)
    }

    mutating func endRound(_ node: Int) { senders[node].begun = 0 }

    /// - Parameter bytes: of the message with its head.
    /// - Returns: which limit the message passes, in words; nil: none.
    mutating func sent(
        _ message: Message, bytes: Int, by node: Int, isRequest: Bool, pending: Int, now: UInt64
    ) -> String? {
        if pending > settings.maximumPendingExchanges {
            return "has \(pending) exchanges under way; \(settings.maximumPendingExchanges) allowed"
        }
        if let text = spend(bytes, by: node, now: now) { return text }
        if isRequest, message.body.opensConversation {
            senders[node].begun += 1
            // Those of a tick that begins a round belong to the round before in part.
            if senders[node].begun > 2 * settings.peersPerTick {
                return "begins \(senders[node].begun) conversations in one period; \(settings.peersPerTick) allowed"
            }
        }
        if message.claims.count > WireLimits.claims { return "sends \(message.claims.count) claims" }
        guard case .delta(let delta) = message.body, delta.items.count > 1 else { return nil }
        if delta.items.count > settings.deltaRecords {
            return "sends \(delta.items.count) records; \(settings.deltaRecords) allowed"
        }
        let recordBytes = delta.items.reduce(0) { $0 + $1.token.count }
        return recordBytes > settings.deltaBytes
            ? "sends \(recordBytes) bytes of records; \(settings.deltaBytes) allowed" : nil
    }

    private mutating func spend(_ bytes: Int, by node: Int, now: UInt64) -> String? {
        let seconds = VirtualTime.seconds(now - senders[node].filledAt)
        let level = min(settings.burstBytes, senders[node].level + seconds * settings.bytesPerSecond) - Double(bytes)
        senders[node].level = level
        senders[node].filledAt = now
        // Sums of fractions may differ in their last digits.
        return level < -1 ? "sends \(Int(-level)) bytes more than its budget" : nil
    }
}

extension Message.Body {
    /// Whether it begins something, rather than going on with it.
    fileprivate var opensConversation: Bool {
        switch self {
        case .announce, .ping, .probe, .probeResult: true
        case .summary, .buckets, .digest, .delta, .ack: false
        }
    }
}
