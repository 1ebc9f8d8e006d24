import Gossip

/// Limits that a machine has to keep by itself, seen from outside.
struct Guards {
    let settings: Settings

    /// How often views are looked at whole, a node at a time.
    static let auditNanoseconds: UInt64 = 1_000_000_000

    init(_ settings: Settings, nodes: Int) {
        self.settings = settings
    }

    mutating func beginTick(_ node: Int) {}

    /// - Returns: which limit the message passes, in words; nil: none.
    mutating func sent(
        _ message: Message, bytes: Int, by node: Int, isRequest: Bool, pending: Int, now: UInt64
    ) -> String? {
        if pending > settings.maximumPendingExchanges {
            return "has \(pending) exchanges under way; \(settings.maximumPendingExchanges) allowed"
        }
        if bytes > WireLimits.messageBytes { return "sends \(bytes) bytes; \(WireLimits.messageBytes) allowed" }
        if message.claims.count > WireLimits.claims { return "sends \(message.claims.count) claims" }
        guard case .delta(let delta) = message.body, delta.items.count > 1 else { return nil }
        if delta.items.count > settings.deltaRecords {
            return "sends \(delta.items.count) records; \(settings.deltaRecords) allowed"
        }
        let recordBytes = delta.items.reduce(0) { $0 + $1.token.count }
        return recordBytes > settings.deltaBytes
            ? "sends \(recordBytes) bytes of records; \(settings.deltaBytes) allowed" : nil
    }
}
