/// How users' tokens are checked.
public struct IntrospectionSettings: Sendable {
    /// The application whose resource server the tokens are for.
    public var client: GlobusClient
    /// The scope that a token must have.
    public var scope: String
    /// Names accepted in `aud`, beside the client's id.
    public var audiences: [String] = []
    /// Policies that are evaluated; every one must hold.
    public var policies: [String] = []
    /// Also programs' identities, which have no session, must meet the policies.
    public var policiesForServiceAccounts = true
    /// Domains whose identity represents a user who logged in with several.
    public var preferredDomains: [String] = []
    /// Groups are asked for.
    public var groups = false
    /// Seconds that an answer is used: revoking takes as long to show. 30 to 600.
    public var cacheSeconds: UInt64 = 300
    /// Seconds that a refusal is used.
    public var refusalSeconds: UInt64 = 60
    /// Seconds that a known user goes on while Globus cannot be asked, from the last answer.
    public var staleSeconds: UInt64 = 3600
    /// Seconds that this machine's clock and Globus' may differ.
    public var skewSeconds: UInt64 = 300
    /// Users kept in memory, refusals kept in memory.
    public var knownTokens = 10_000
    public var refusedTokens = 10_000
    /// Unknown tokens asked about at once, and that wait for it; one more is told to come back.
    public var concurrentQuestions = 32
    public var waitingQuestions = 1024
    /// Unknown tokens of one client asked about at once, waiting ones too; one more is told to come back.
    public var questionsPerClient = 8

    public init(client: GlobusClient, scope: String? = nil) {
        self.client = client
        self.scope = scope ?? "https://auth.globus.org/scopes/\(client.clientID)/action_all"
    }

    static let cacheRange: ClosedRange<UInt64> = 30...600
    var boundedCacheSeconds: UInt64 { min(max(cacheSeconds, Self.cacheRange.lowerBound), Self.cacheRange.upperBound) }
    var boundedStaleSeconds: UInt64 { max(staleSeconds, boundedCacheSeconds) }
}
