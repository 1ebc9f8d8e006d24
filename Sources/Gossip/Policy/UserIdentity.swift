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
    /// False for a user of whom only a site tells that may speak for some domains: it could tell any subject, so that a rule goes
    /// by the user name alone. Never sent.
    public var provesSubject = true

    private enum CodingKeys: String, CodingKey {
        case subject, username, identityProvider, domain, groups, policies, authenticatedAt, isServiceAccount
    }

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
    public var isProgram: Bool { isServiceAccount || isStatic }

    /// Whether it is the holder of a static token of some site's configuration.
    public var isStatic: Bool { subject.hasPrefix(Self.staticPrefix) }

    /// What the configuration calls the token.
    public var staticName: String { String(subject.dropFirst(Self.staticPrefix.count)) }

    /// What the subject of a static token begins with.
    public static let staticPrefix = "static:"

    /// The identity behind a static token of the configuration.
    public init(staticToken name: String) { self.init(subject: Self.staticPrefix + name, username: name) }
}

extension UserIdentity {
    /// A user who is described rather than logged in, as if the login were just now.
    ///
    /// - Parameters:
    ///   - name: `alice@anl.gov`, or `static:NAME` for a static token.
    ///   - domain: nil: what follows the `@` in the name.
    public init(
        described name: String, domain: String? = nil, identityProvider: String? = nil, groups: [String] = [],
        policies: [String] = [], nowSeconds: UInt64
    ) {
        if name.hasPrefix(Self.staticPrefix) {
            self.init(staticToken: String(name.dropFirst(Self.staticPrefix.count)))
            return
        }
        let own = name.lastIndex(of: "@").map { String(name[name.index(after: $0)...]).lowercased() }
        let domain = domain?.lowercased() ?? own
        let isProgram = own == Vouching.programDomain && domain == own
        let subject = isProgram ? String(name.prefix { $0 != "@" }) : name
        self.init(
            subject: subject, username: own == nil ? domain.map { "\(name)@\($0)" } ?? name : name,
            identityProvider: identityProvider, domain: domain,
            groups: groups.sorted(), policies: policies.sorted(), authenticatedAt: nowSeconds,
            isServiceAccount: isProgram)
    }
}
