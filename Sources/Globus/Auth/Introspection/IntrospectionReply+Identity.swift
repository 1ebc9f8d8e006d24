extension IntrospectionReply {
    /// Whom the token speaks for, without groups, or why it is refused.
    func identity(_ settings: IntrospectionSettings, nowSeconds: UInt64) -> Result<GlobusIdentity, GlobusRefusal> {
        guard isActive else {
            return .failure(GlobusRefusal(.inactive, "the Globus token is expired, revoked or unknown: log in again"))
        }
        let ours = [settings.client.clientID] + settings.audiences
        guard audience.isEmpty || ours.contains(where: { audience.contains($0) }) else {
            return .failure(GlobusRefusal(.audience, "the Globus token is for another service"))
        }
        guard scope.contains(settings.scope) else {
            return .failure(GlobusRefusal(.scope, "the Globus token lacks the scope \(settings.scope): log in with it"))
        }
        let ends = expiresAt ?? 0
        guard ends + settings.skewSeconds > nowSeconds else {
            return .failure(GlobusRefusal(.expired, "the Globus token has expired: log in again"))
        }
        guard let chosen = represented(settings.preferredDomains), Self.isName(chosen.subject), Self.isName(chosen.username)
        else {
            return .failure(GlobusRefusal(.identity, "Globus Auth names no identity for the token"))
        }
        let isProgram = chosen.username == "\(chosen.subject)@\(Self.programDomain)"
        let holding = settings.policies.filter { policies[$0] == true }
        guard holding.count == settings.policies.count || (isProgram && !settings.policiesForServiceAccounts) else {
            return .failure(
                GlobusRefusal(
                    .policy,
                    "an authentication policy of this service is not met: log out of Globus, and log in again with an identity provider that it allows"
                ))
        }
        return .success(
            GlobusIdentity(
                subject: chosen.subject, username: chosen.username, identityProvider: chosen.provider,
                domain: Self.domain(chosen.username), policies: holding.sorted(), authenticatedAt: chosen.time,
                isServiceAccount: isProgram, expiresAt: ends, scope: scope, clientID: clientID))
    }

    /// Where client credentials' usernames live.
    static let programDomain = "clients.auth.globus.org"
    /// Bytes of the longest name that is believed.
    static let nameBytes = 320

    private struct Represented {
        var subject: String
        var username: String
        var provider: String?
        var time: UInt64?
    }

    /// The identity of the session: of a preferred domain if there is one, and then that of the latest login. Linked identities
    /// without a login in this session do not count.
    private func represented(_ preferred: [String]) -> Represented? {
        let candidates = session.compactMap { login -> Represented? in
            let entries = identities.filter { $0.provider == login.provider }
            guard let entry = entries.first(where: { $0.id == login.identity }) ?? entries.first else { return nil }
            return Represented(subject: entry.id, username: entry.username, provider: login.provider, time: login.time)
        }
        func rank(_ candidate: Represented) -> (Int, UInt64, String) {
            let isPreferred = Self.domain(candidate.username).map { preferred.contains($0) } ?? false
            return (isPreferred ? 1 : 0, candidate.time ?? 0, candidate.subject)
        }
        if let best = candidates.max(by: { rank($0) < rank($1) }) { return best }
        guard let subject, let username else { return nil }
        let provider = identities.first { $0.id == subject }?.provider
        return Represented(subject: subject, username: username, provider: provider)
    }

    static func domain(_ username: String) -> String? {
        guard let at = username.lastIndex(of: "@") else { return nil }
        let domain = username[username.index(after: at)...].lowercased()
        return domain.isEmpty ? nil : domain
    }

    /// Nothing that could be taken for markup, or end a line of a log.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= nameBytes
            && text.unicodeScalars.allSatisfy { $0.value > 32 && $0.value != 127 && $0 != "<" && $0 != ">" }
    }
}
