/// What the nodes of one site may say of users to the nodes of another (DESIGN.md §5): the domains of identity providers that the
/// federation's operator admitted the site for, narrowed by what the serving site takes from it.
///
/// The invariant: whoever holds all keys of the entry site gains at the serving site what users of these domains may do there, and
/// nothing else. So whatever of an identity is not bound to a domain is not believed of a site that is bound to some.
public struct Vouching: Sendable, Hashable {
    /// The site whose word it is.
    public var site: String
    /// Whether the serving site is the same one: its own static tokens keep their names.
    public var isOwn: Bool
    /// Domains in the site's admission, `*` for any; nil: it has none, and vouches for nobody.
    public var admitted: [String]?
    /// What the serving site takes of them; nil: all.
    public var narrowed: [String]?

    /// Stands for every domain.
    public static let any = "*"
    /// Where service accounts live.
    public static let programDomain = "clients.auth.globus.org"
    /// Domains that a serving site may list for one entry site, and sites that it may list.
    public static let domainsAllowed = 256
    public static let sitesAllowed = 256

    public init(site: String, isOwn: Bool = false, admitted: [String]?, narrowed: [String]? = nil) {
        self.site = site
        self.isOwn = isOwn
        self.admitted = admitted
        self.narrowed = narrowed
    }

    /// Whether the site may speak of any user: then what it says of subjects and identity providers is believed too.
    private var isUnbound: Bool {
        admitted?.contains(Self.any) == true && narrowed?.contains(Self.any) != false
    }

    /// Why the site's word on a user is not taken; nil: it is.
    public func refusal(of user: UserIdentity) -> VouchingRefusal? {
        guard let admitted else { return VouchingRefusal(site: site, reason: .notAdmitted) }
        // A static token is known by its site: nobody else's users can be meant by it.
        if user.isStatic { return nil }
        guard let domain = user.domain else { return nil }
        guard Self.isName(user.username, of: domain) else {
            return VouchingRefusal(site: site, reason: .foreignName(domain: domain))
        }
        guard Self.holds(admitted, domain) else { return VouchingRefusal(site: site, reason: .domain(domain)) }
        guard Self.holds(narrowed ?? [Self.any], domain) else {
            return VouchingRefusal(site: site, reason: .narrowed(domain))
        }
        return nil
    }

    /// Whether a user name is `NAME@domain`, the domain in lower case. Asked for each request: it allocates nothing.
    private static func isName(_ name: String, of domain: String) -> Bool {
        var rest = name.utf8[...]
        for byte in domain.utf8.reversed() {
            guard let last = rest.popLast() else { return false }
            let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(last)
            guard (isCapital ? last | 0x20 : last) == byte else { return false }
        }
        return rest.popLast() == UInt8(ascii: "@") && !rest.isEmpty
    }

    private static func holds(_ domains: [String], _ domain: String) -> Bool {
        domains.contains(domain) || domains.contains(any)
    }

    /// A user as the serving site's rules see them. Only for users of whom there is no `refusal`.
    public func seen(_ user: UserIdentity) -> UserIdentity {
        if user.isStatic {
            if isOwn { return UserIdentity(staticToken: user.staticName) }
            return UserIdentity(staticToken: "\(user.staticName)@\(site)")
        }
        guard let domain = user.domain else {
            // Neither a static token's holder nor of a domain: good for what is open to all, and for no rule.
            let name = "unknown:\(user.username)@\(site)"
            return UserIdentity(subject: name, username: name)
        }
        var seen = user
        seen.isServiceAccount = domain == Self.programDomain && user.username == "\(user.subject)@\(domain)"
        if !isUnbound {
            // A node could tell any of these together with a domain of its own.
            seen.provesSubject = seen.isServiceAccount
            seen.identityProvider = nil
        }
        return seen
    }
}

/// Why a site's word on who a user is is not taken.
public struct VouchingRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        /// The federation's operator did not admit the site.
        case notAdmitted
        /// The domain is not in the site's admission.
        case domain(String)
        /// The serving site does not take it from that site.
        case narrowed(String)
        /// The user name is of another domain than the one that is told.
        case foreignName(domain: String)
    }

    public var site: String
    public var reason: Reason

    public init(site: String, reason: Reason) {
        self.site = site
        self.reason = reason
    }

    public var description: String {
        switch reason {
        case .notAdmitted:
            "site \(site) has no admission that lets it say who its users are; the federation's operator gives it one"
        case .domain(let domain):
            "site \(site) may not vouch for users of \(domain): that domain is not in its admission; "
                + "the federation's operator can admit it, or use a node of a site that may"
        case .narrowed(let domain):
            "this site does not take the word of site \(site) for users of \(domain); its access.vouching says so; "
                + "use a node of this site or of one whose word it takes"
        case .foreignName(let domain): "site \(site) tells a user name that is not of the domain \(domain)"
        }
    }
}
