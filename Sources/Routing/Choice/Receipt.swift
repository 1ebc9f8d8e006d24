public import Gossip

/// The record of one decision: what was there, what was taken and why, what came of it.
public struct Receipt: Sendable {
    public struct Entry: Sendable {
        public let site: String
        public let node: String
        public let state: ModelState
        /// Slots believed free then.
        public let free: Int
        public let ageSeconds: Double?
        public let excluded: Exclusion?

        public init(site: String, node: String, state: ModelState, free: Int, ageSeconds: Double?, excluded: Exclusion?) {
            self.site = site
            self.node = node
            self.state = state
            self.free = free
            self.ageSeconds = ageSeconds
            self.excluded = excluded
        }
    }

    public var id: UInt64 = 0
    public var requestID: String
    /// Nanoseconds since 1970.
    public var at: UInt64
    public var model: String
    public var user: String
    public var entry: NodeID
    public var site: String?
    public var reason: RouteReason?
    public var tries = 0
    public var bounces = 0
    public var candidates: [Entry] = []
    /// `answered`, `refused: why`, `failed: why`, `interrupted: why`, `clientGone`, which may say that the task runs on.
    public var outcome = ""

    public init(requestID: String, at: UInt64, model: String, user: String, entry: NodeID) {
        self.requestID = requestID
        self.at = at
        self.model = model
        self.user = user
        self.entry = entry
    }
}
