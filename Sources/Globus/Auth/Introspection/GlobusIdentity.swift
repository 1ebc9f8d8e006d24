/// Who a token speaks for, as Globus Auth and Groups say.
public struct GlobusIdentity: Sendable, Equatable {
    /// UUID of the identity.
    public var subject: String
    /// For people: `alice@anl.gov`.
    public var username: String
    /// UUID of the identity provider where the user logged in.
    public var identityProvider: String?
    /// What stands behind the `@` of `username`, in lower case.
    public var domain: String?
    /// UUIDs of groups in which a membership is active; sorted.
    public var groups: [String]
    /// Policies that were evaluated and hold; sorted.
    public var policies: [String]
    /// Seconds since 1970 of the login; nil without a live session.
    public var authenticatedAt: UInt64?
    /// The token was had by client credentials: a program.
    public var isServiceAccount: Bool
    /// Seconds since 1970 at which the token ends.
    public var expiresAt: UInt64
    public var scope: [String]
    /// The application that the token was given to.
    public var clientID: String?

    public init(
        subject: String, username: String, identityProvider: String? = nil, domain: String? = nil, groups: [String] = [],
        policies: [String] = [], authenticatedAt: UInt64? = nil, isServiceAccount: Bool = false, expiresAt: UInt64,
        scope: [String] = [], clientID: String? = nil
    ) {
        self.subject = subject
        self.username = username
        self.identityProvider = identityProvider
        self.domain = domain
        self.groups = groups
        self.policies = policies
        self.authenticatedAt = authenticatedAt
        self.isServiceAccount = isServiceAccount
        self.expiresAt = expiresAt
        self.scope = scope
        self.clientID = clientID
    }
}

/// Why a token is not accepted, in words for its user.
public struct GlobusRefusal: Error, Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        /// No token of Globus at all.
        case malformed
        /// Expired, revoked, unknown.
        case inactive
        case expired
        /// For another service.
        case audience
        /// Lacks the scope of this service.
        case scope
        /// A policy does not hold, or was not evaluated.
        case policy
        /// No usable name.
        case identity
        /// The user has not consented that groups are read.
        case consent
    }

    public let reason: Reason
    public let message: String

    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// 401: another token is needed; 403: the same user with the same login cannot go on.
    public var status: Int {
        switch reason {
        case .malformed, .inactive, .expired, .audience: 401
        case .scope, .policy, .identity, .consent: 403
        }
    }
}

/// What is known of a token.
public enum Introspection: Sendable, Equatable {
    case active(GlobusIdentity)
    case refused(GlobusRefusal)
    /// Nothing is known, because Globus cannot be asked: 503.
    case unavailable(retryAfterSeconds: Int, String)
}
