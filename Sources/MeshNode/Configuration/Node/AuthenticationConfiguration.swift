import Globus

/// How people log in.
struct AuthenticationConfiguration: Equatable, Sendable {
    var globus: GlobusConfiguration?
}

/// Globus Auth, as a resource server of it: this node introspects the tokens that users bring.
struct GlobusConfiguration: Equatable, Sendable {
    static let policiesAllowed = 32
    static let preferredDomainsAllowed = 32
    static let cacheSecondsAllowed = 30.0...600.0
    static let staleSecondsAllowed = 0.0...86_400.0

    /// UUID of the confidential client whose audience tokens must have.
    var clientID: String
    /// Where its secret is; one of the two.
    var secretFile: String?
    var secretEnvironment: String?
    /// What users consent to; nil: the client's `action_all`.
    var scope: String?
    /// Other sites of the federation have the same client.
    var isShared = false
    /// UUID of the public client that `meshnode login` uses.
    var nativeClientID: String?
    /// Authentication policies that are evaluated with each token.
    var policies: [String] = []
    /// Whether groups are looked up.
    var groups = true
    /// How long a token's introspection is good for.
    var cacheSeconds = 300.0
    /// How much longer while Globus cannot be reached.
    var staleSeconds = 3600.0
    /// `services` in the file: where Globus is, and how it is reached.
    var reach = GlobusServicesConfiguration()
    /// Domains whose identity stands for a user who logged in with several.
    var preferredDomains: [String] = []
    /// Where the login page's browser comes back to: this node's `/login/callback` as registered; nil: there is no such page.
    var redirectURL: String?

    /// The hosted services, or those named.
    var services: (auth: String, groups: String) { (reach.services.auth, reach.services.groups) }

    /// The scope that tokens for this node have.
    var wantedScope: String { scope ?? "https://auth.globus.org/scopes/\(clientID)/action_all" }
}

/// API keys.
struct KeyConfiguration: Equatable, Sendable {
    var maximumDays = 90
    var reauthenticationDays = 30
    var unseenDays = 30
    var recheckSeconds = 600.0
    var perUser = 50
}
