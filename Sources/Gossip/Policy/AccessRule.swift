/// Who may use something: a federation, a site, a model. Every list that is not empty must be met, by any one of its entries;
/// a rule with no lists admits everyone.
public struct AccessRule: Codable, Sendable, Hashable {
    /// Domains of identity providers, lower case: `anl.gov`.
    public var domains: [String]
    /// UUIDs of identity providers.
    public var identityProviders: [String]
    /// UUIDs of Globus groups.
    public var groups: [String]
    /// Globus authentication policies that must hold, all of them.
    public var policies: [String]
    /// Subjects or user names, one by one: service accounts.
    public var users: [String]
    /// The longest time since the login at the identity provider; nil: any.
    public var authenticatedWithinSeconds: UInt64?

    public init(
        domains: [String] = [], identityProviders: [String] = [], groups: [String] = [], policies: [String] = [],
        users: [String] = [], authenticatedWithinSeconds: UInt64? = nil
    ) {
        self.domains = domains
        self.identityProviders = identityProviders
        self.groups = groups
        self.policies = policies
        self.users = users
        self.authenticatedWithinSeconds = authenticatedWithinSeconds
    }
}

/// A rule that a user does not meet: its name and which of its parts, never who would be admitted.
public struct AccessRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Part: String, Sendable {
        case identityProvider = "identity provider"
        case group
        case policy = "authentication policy"
        case user
        case authenticationAge = "time since login"
        /// The rule cannot be evaluated: refused all the same.
        case unknown
    }

    /// `federation`, `site argonne`, `model llama at argonne`.
    public let rule: String
    public let part: Part

    public init(rule: String, part: Part) {
        self.rule = rule
        self.part = part
    }

    public var description: String { "the \(part.rawValue) rule of \(rule) does not admit this user" }
}
