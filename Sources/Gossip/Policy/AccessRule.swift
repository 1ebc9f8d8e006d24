/// Who may use something: a federation, a site, a model. Two questions, each of which must be answered well.
///
/// Who is it: named one by one in `users`, or met by every other of the lists `domains`, `identityProviders` and `groups`
/// that is not empty, each by any one of its entries. How did they log in: all of `policies` hold, and the login is no older
/// than `authenticatedWithinSeconds`. Programs cannot log in, so those that `users` names (static tokens, service accounts)
/// are not asked the second. A rule with nothing in it admits everyone.
public struct AccessRule: Sendable, Hashable {
    /// Domains of identity providers, lower case: `anl.gov`.
    public var domains: [String]
    /// UUIDs of identity providers.
    public var identityProviders: [String]
    /// UUIDs of Globus groups.
    public var groups: [String]
    /// Globus authentication policies that must hold, all of them.
    public var policies: [String]
    /// Subjects or user names, one by one; a static token as `static:NAME` or `NAME`, another site's as `static:NAME@SITE`.
    public var users: [String]
    /// The longest time since the login at the identity provider; nil: any.
    public var authenticatedWithinSeconds: UInt64?
    /// False for a rule of a peer with parts that this version does not know: it admits nobody here.
    public internal(set) var isUnderstood = true

    /// Entries of one list, and bytes of one entry, that a peer's rule may have.
    public static let entriesAllowed = 64
    public static let entryBytesAllowed = 256

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

    /// Whether it admits everyone.
    public var isEmpty: Bool { self == AccessRule() }
}

/// A rule and what it guards, as users are told of it: `federation`, `site argonne`, `model llama at argonne`.
public struct NamedRule: Codable, Sendable, Hashable {
    public var name: String
    public var rule: AccessRule

    /// Rules that stand on one model: the federation's, the site's, its own. One more for what may come.
    public static let allowed = 4
    /// Bytes of a name: the longest model name, a site, and the words between.
    public static let nameBytesAllowed = 512

    public init(name: String, rule: AccessRule) {
        self.name = name
        self.rule = rule
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

    public var description: String {
        switch part {
        case .unknown: "the access rule of \(rule) cannot be checked for this user, who is refused for that"
        case .authenticationAge: "the access rule of \(rule) wants a newer login: log in again"
        default: "the \(part.rawValue) rule of \(rule) does not admit this user"
        }
    }
}
