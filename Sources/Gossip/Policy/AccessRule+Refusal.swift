extension AccessRule {
    /// Seconds that a login's time may be ahead of our clock.
    static let clockLeewaySeconds: UInt64 = 300

    /// What of the rule a user does not meet; nil: admitted. What is not known counts as not met.
    ///
    /// - Parameters:
    ///   - name: what the rule guards, for the refusal.
    ///   - nowSeconds: since 1970.
    public func refusal(of user: UserIdentity, rule name: String, nowSeconds: UInt64) -> AccessRefusal? {
        guard isUnderstood else { return AccessRefusal(rule: name, part: .unknown) }
        let isNamed = !users.isEmpty && names(user)
        // 1. Who.
        if !isNamed {
            if let part = unmetList(of: user) { return AccessRefusal(rule: name, part: part) }
            if !users.isEmpty, domains.isEmpty, identityProviders.isEmpty, groups.isEmpty {
                return AccessRefusal(rule: name, part: .user)
            }
        }
        // 2. How they logged in, which programs cannot.
        if isNamed, user.isProgram { return nil }
        guard policies.allSatisfy(user.policies.contains) else { return AccessRefusal(rule: name, part: .policy) }
        if let limit = authenticatedWithinSeconds, !isRecent(user.authenticatedAt, within: limit, nowSeconds) {
            return AccessRefusal(rule: name, part: .authenticationAge)
        }
        return nil
    }

    private func names(_ user: UserIdentity) -> Bool {
        // A person's name must not stand for a static token's: those are known by the prefix of their subject.
        users.contains(user.username) || user.provesSubject && users.contains(user.subject)
    }

    /// The first of the lists of who may that does not hold.
    private func unmetList(of user: UserIdentity) -> AccessRefusal.Part? {
        if !domains.isEmpty {
            guard let domain = user.domain, domains.contains(domain) else { return .identityProvider }
        }
        if !identityProviders.isEmpty {
            guard let provider = user.identityProvider, identityProviders.contains(provider) else {
                return .identityProvider
            }
        }
        if !groups.isEmpty, !groups.contains(where: user.groups.contains) { return .group }
        return nil
    }

    private func isRecent(_ authenticatedAt: UInt64?, within limit: UInt64, _ nowSeconds: UInt64) -> Bool {
        guard let authenticatedAt, authenticatedAt <= nowSeconds &+ Self.clockLeewaySeconds else { return false }
        return nowSeconds <= authenticatedAt || nowSeconds - authenticatedAt <= limit
    }
}

extension [NamedRule] {
    /// The first of the rules that a user does not meet; nil: all admit.
    ///
    /// - Parameter user: nil for one of whom nothing is known, whom no rule admits that says anything.
    public func refusal(of user: UserIdentity?, nowSeconds: UInt64) -> AccessRefusal? {
        for named in self {
            guard let user else {
                if named.rule.isEmpty { continue }
                return AccessRefusal(rule: named.name, part: .unknown)
            }
            if let refusal = named.rule.refusal(of: user, rule: named.name, nowSeconds: nowSeconds) { return refusal }
        }
        return nil
    }
}
