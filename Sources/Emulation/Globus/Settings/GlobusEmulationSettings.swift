/// What an emulation of Globus Auth, Groups and Compute knows and how it behaves.
public struct GlobusEmulationSettings: Sendable, Equatable {
    /// An application registered with Globus Auth.
    public struct Client: Sendable, Equatable {
        public var id: String
        /// nil for a native application, which can keep none.
        public var secret: String?
        /// Where codes may be sent.
        public var redirects: [String] = []
    }

    /// A group that a user is, or was, in.
    public struct Group: Sendable, Equatable {
        public var id: String
        public var name: String
        /// `active`, `pending`, …: of the user's membership.
        public var status = "active"
    }

    /// A token that is good from the start.
    public struct Token: Sendable, Equatable {
        public var token: String
        /// The resource server, a client's id; nil: the first confidential client.
        public var client: String?
        /// nil: `action_all` of the client.
        public var scope: String?
        /// nil: as all tokens.
        public var expiresInSeconds: Double?
    }

    /// Someone who can log in.
    public struct User: Sendable, Equatable {
        public var username: String
        public var sub: String
        public var name: String?
        /// The identity provider's id.
        public var identityProvider: String
        public var identityProviderName: String
        /// Of the identity's username, where it differs from that of `username`.
        public var domain: String?
        public var tokens: [Token] = []
        public var groups: [Group] = []
        /// Which authentication policies hold; others cannot be evaluated.
        public var policies: [(String, Bool)] = []
        /// How long ago the user logged in, in seconds.
        public var authenticatedSecondsAgo = 60.0

        public static func == (a: User, b: User) -> Bool {
            a.username == b.username && a.sub == b.sub && a.tokens == b.tokens && a.groups == b.groups
        }
    }

    /// An endpoint of Globus Compute, with its engine.
    public struct Endpoint: Sendable, Equatable {
        public var id: String
        public var name: String
        /// Whether it is a core endpoint that starts a process for each configuration.
        public var isMultiUser = false
        /// Functions run at once.
        public var workers = 4
        /// Whether it is connected; tasks wait while it is not.
        public var isOnline = true
        /// As its status tells; nil: not told.
        public var managers: Int? = 1
        /// Seconds from the first task, of each configuration, until one runs.
        public var startSeconds = 0.0
        /// The interpreter that runs functions, a path or a command.
        public var python = "python3"
        /// nil: any.
        public var allowedFunctions: [String]?
        /// Added to the environment of its workers.
        public var environment: [String: String] = [:]
        /// The agent's release.
        public var agent = [4, 19, 0]
        /// JSON schema of `user_endpoint_config`, the few words of it that `SchemaCheck` knows.
        var schema: JSONValue?
    }

    /// A function known from the start, as source text.
    public struct Function: Sendable, Equatable {
        public var id: String
        public var name: String
        public var source: String
    }

    /// Where it listens.
    public var address = "127.0.0.1"
    /// 0: the kernel's choice.
    public var port: UInt16 = 0
    /// Decides every id and token made up here.
    public var seed: UInt64 = 0
    public var clients: [Client] = []
    public var users: [User] = []
    public var endpoints: [Endpoint] = []
    public var functions: [Function] = []
    /// Requests to Compute that one client may make in `rateSeconds`.
    public var rateRequests = 20
    /// Length of that window, in seconds.
    public var rateSeconds = 10.0
    /// How long tokens are good for, in seconds: 48 hours, as at Globus.
    public var tokenSeconds = 172_800.0
    /// The agent's publisher of results wakes this often, in seconds.
    public var pollLatencySeconds = 0.5
    /// How long a result waits to be fetched, in seconds.
    public var resultSeconds = 1800.0
    /// Bytes at most of a submission's body.
    public var submitBytes = 10_000_000
    /// Characters at most of a serialized result.
    public var resultCharacters = 10_485_760
    /// File that takes what functions print; nil: our standard error.
    public var functionOutput: String?

    public init() {}
}
