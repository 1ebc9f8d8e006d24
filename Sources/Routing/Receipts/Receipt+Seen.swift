public import Gossip

extension Receipt {
    /// A candidate as the choice saw it.
    public struct Seen: Sendable, Equatable {
        public var site: String
        public var node: String
        public var isLocal: Bool
        public var state: ModelState
        public var slots: Int
        public var running: Int
        public var waiting: Int
        /// Requests of this node that were sent there since the report.
        public var sentSince: Int
        /// Slots believed free; below zero by the length of the queue.
        public var free: Int
        /// The chance of a free slot; nil: it was out.
        public var score: Double?
        /// Of what was known of its load; nil: nothing was.
        public var ageSeconds: Double?
        /// nil: not measured, or this node itself.
        public var roundTripSeconds: Double?
        /// Since it last failed; nil: not since the last success.
        public var failedSecondsAgo: Double?
        /// Why it could not serve the request.
        public var excluded: String?
    }
}

extension Receipt.Seen {
    /// - Parameter excluded: why it is out; nil: it is not.
    init(_ candidate: Candidate, _ load: LiveLoad.Sample, _ choice: Choice, excluded: Exclusion?, now: UInt64) {
        self.init(
            site: candidate.node.siteName, node: candidate.node.node, isLocal: candidate.isLocal, state: candidate.state,
            slots: load.slots, running: load.running, waiting: load.waiting, sentSince: load.sentSince, free: load.free,
            score: excluded == nil ? Self.rounded(choice.chance(load, now: now)) : nil,
            ageSeconds: load.ageSeconds(now: now).map(Self.rounded),
            roundTripSeconds: candidate.isLocal || load.roundTripSeconds <= 0 ? nil : Self.rounded(load.roundTripSeconds),
            failedSecondsAgo: load.failed == 0 ? nil : Self.rounded(Double(now - min(now, load.failed)) / 1e9),
            excluded: excluded?.description)
    }

    /// To the microunit: no more digits than anyone reads.
    private static func rounded(_ number: Double) -> Double { (number * 1e6).rounded() / 1e6 }
}

extension Receipt.Seen: Codable {
    private enum CodingKeys: String, CodingKey {
        case site, node, state, slots, running, waiting, sentSince, free, score, ageSeconds, roundTripSeconds,
            failedSecondsAgo
        case excluded
        case isLocal = "local"
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(site, forKey: .site)
        try fields.encode(node, forKey: .node)
        try fields.encode(isLocal, forKey: .isLocal)
        try fields.encode(state, forKey: .state)
        try fields.encode(slots, forKey: .slots)
        try fields.encode(running, forKey: .running)
        try fields.encode(waiting, forKey: .waiting)
        try fields.encode(sentSince, forKey: .sentSince)
        try fields.encode(free, forKey: .free)
        try fields.encode(score, forKey: .score)
        try fields.encode(ageSeconds, forKey: .ageSeconds)
        try fields.encode(roundTripSeconds, forKey: .roundTripSeconds)
        try fields.encode(failedSecondsAgo, forKey: .failedSecondsAgo)
        try fields.encode(excluded, forKey: .excluded)
    }
}
