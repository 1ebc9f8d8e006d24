/// All choices that were made for one request, with everything that they were made by: making them again gives the same.
///
/// What the choice newly depends on goes into `Request`, `Place`, `LiveLoad.Sample` or `Choice.Settings`, and `version` up.
public struct Decision: Sendable, Equatable, Codable {
    /// Of this form; another program's may mean something else.
    public static let currentVersion = 2

    /// A candidate, as far as the choice tells one from another. What the hard rules said of it stands in each step.
    public struct Place: Sendable, Equatable, Codable {
        public var site: String
        public var node: String
        /// Of a linked federation; nil: our own.
        public var federation: String?
        public var isLocal: Bool
    }

    /// One choice, and how the try that came of it ended.
    public struct Step: Sendable, Equatable, Codable {
        /// What the end of a try means for the next choice.
        public enum Consequence: String, Sendable, Codable {
            case none, refused, failed
        }

        /// Seconds since the request came.
        public var afterSeconds: Double
        /// The choice's clock: monotonic nanoseconds of the node.
        public var now: UInt64
        /// The random generator's state before.
        public var random: UInt64
        /// Where it differs from the decision's.
        public var request: Request?
        /// Where a new journey begins with this step: among these.
        public var places: [Place]?
        /// Of each place, what was known of its load; nil: a hard rule had it out.
        public var loads: [LiveLoad.Sample?]
        /// Of each place, which one; or, where there is a load, why it was passed over while there were others.
        public var excluded: [String?]
        /// nil: nothing was left to try.
        public var picked: Journey.Step?
        /// The node whose site's endpoint was used without it, when nothing else was left.
        public var direct: String?
        /// `answered`, `refused`, `failed: why`, `interrupted: why`, `clientGone`, `outrun`; empty: nothing was tried.
        public var ended: String
        public var tookSeconds: Double
        public var consequence: Consequence
        /// The place was asked beside that of the step before, which was late: the choice was made as if that had failed.
        public var hedge: Bool?
    }

    /// What the choice knew of the request, beside what the hard rules made of it.
    public struct Request: Sendable, Equatable, Codable {
        /// Sites that it allowed; nil: any.
        public var sites: [String]?
        public var policy: RoutingPolicy
        /// Sites in their order, where the policy is `pinned`.
        public var order: [String]?
        public var promptTokens: Int
        public var answerTokens: Int
        /// As `RequestNeeds.affinity`: which requests begin alike, and not how.
        public var affinity: UInt64
        public var servedBy: UInt32
    }

    public var version: Int
    public var request: Request
    public var settings: Choice.Settings
    public var limits: Journey.Limits
    public var places: [Place]
    public var steps: [Step]
}

extension Decision.Request {
    init(_ needs: RequestNeeds) {
        self.init(
            sites: needs.sites, policy: needs.policy, order: needs.order, promptTokens: needs.promptTokens,
            answerTokens: needs.answerTokens, affinity: needs.affinity, servedBy: needs.servedBy)
    }

    /// What the choice is asked with again.
    var needs: RequestNeeds {
        var needs = RequestNeeds(model: "", sites: sites)
        needs.policy = policy
        needs.order = order
        needs.promptTokens = promptTokens
        needs.answerTokens = answerTokens
        needs.affinity = affinity
        needs.servedBy = servedBy
        return needs
    }
}
