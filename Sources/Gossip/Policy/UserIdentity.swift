/// Who a user is, as the node that the user came to found out, and as other sites are told of them.
public struct UserIdentity: Codable, Sendable, Hashable {
    /// Stable: the identity's UUID; for a static token `static:NAME`.
    public var subject: String
    /// For people: `alice@anl.gov`.
    public var username: String
    /// UUID of the identity provider where the user logged in; nil for static tokens.
    public var identityProvider: String?
    /// Of the identity provider's names: `anl.gov`, in lower case.
    public var domain: String?
    /// UUIDs of the Globus groups in which the user's membership is active; sorted.
    public var groups: [String]
    /// Globus authentication policies that were evaluated and hold; sorted.
    public var policies: [String]
    /// Seconds since 1970 of the login at the identity provider; nil: unknown.
    public var authenticatedAt: UInt64?
    /// A program's own identity (client credentials), not a person.
    public var isServiceAccount: Bool

    public init(
        subject: String, username: String, identityProvider: String? = nil, domain: String? = nil, groups: [String] = [],
        policies: [String] = [], authenticatedAt: UInt64? = nil, isServiceAccount: Bool = false
    ) {
        self.subject = subject
        self.username = username
        self.identityProvider = identityProvider
        self.domain = domain
        self.groups = groups
        self.policies = policies
        self.authenticatedAt = authenticatedAt
        self.isServiceAccount = isServiceAccount
    }

    /// Whether it is a program, which logs in nowhere: a static token's holder or a service account.
    public var isProgram: Bool { isServiceAccount || subject.hasPrefix(Self.staticPrefix) }

    /// What the subject of a static token begins with.
    public static let staticPrefix = "static:"

    /// The identity behind a static token of the configuration.
    public init(staticToken name: String) { self.init(subject: Self.staticPrefix + name, username: name) }
}
