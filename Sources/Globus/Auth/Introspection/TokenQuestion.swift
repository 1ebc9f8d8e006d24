import Synchronization
import Trust

/// Asks Globus about one token, each time anew but for dependent tokens: introspection, and groups if they are wanted.
struct TokenQuestion: Sendable {
    let settings: IntrospectionSettings
    let service: AuthService
    let clock: GlobusClock
    let dependents: DependentTokens

    init(_ settings: IntrospectionSettings, _ service: AuthService, _ clock: GlobusClock) {
        self.settings = settings
        self.service = service
        self.clock = clock
        dependents = DependentTokens(capacity: settings.knownTokens)
    }

    func ask(_ token: String, _ digest: SHA256Digest) async throws(GlobusError) -> Result<GlobusIdentity, GlobusRefusal> {
        var form = [("token", token)]
        if !settings.policies.isEmpty { form.append(("authentication_policies", settings.policies.joined(separator: ","))) }
        form.append(("include", "session_info,identity_set_detail"))
        let credentials = AuthService.Credentials.confidential(settings.client)
        let reply = try IntrospectionReply(try await service.post("/v2/oauth2/token/introspect", form, credentials))
        let outcome = reply.identity(settings, nowSeconds: clock.wallSeconds())
        guard settings.groups, case .success(var identity) = outcome else { return outcome }
        do throws(GlobusError) { identity.groups = try await groups(token, digest) } catch {
            guard error.name == Self.consentMissing else { throw error }
            return .failure(GlobusRefusal(.consent, "the Globus token does not allow to read your groups: log in again"))
        }
        return .success(identity)
    }

    /// Groups in which a membership is active.
    private func groups(_ token: String, _ digest: SHA256Digest) async throws(GlobusError) -> [String] {
        for isSecond in [false, true] {
            let dependent = try await dependent(token, digest)
            do throws(GlobusError) {
                let url = service.services.groups + "/v2/groups/my_groups?statuses=active"
                return try Self.active(try await service.get(url, token: dependent, "Globus Groups"))
            } catch {
                guard error.code == .unauthorized, !isSecond else { throw error }
                dependents.drop(digest)
            }
        }
        return []
    }

    private func dependent(_ token: String, _ digest: SHA256Digest) async throws(GlobusError) -> String {
        let now = clock.monotonic()
        if let known = dependents.find(digest, now) { return known }
        let form = [
            ("grant_type", "urn:globus:auth:grant_type:dependent_token"), ("token", token), ("scope", Self.groupsScope),
        ]
        let answer: LooseJSON
        do throws(GlobusError) {
            answer = try await service.post("/v2/oauth2/token", form, .confidential(settings.client))
        } catch {
            // The token was active a moment ago: what is missing is the user's consent.
            guard error.code == .badRequest || error.code == .forbidden else { throw error }
            throw GlobusError(error.code, error.message, status: error.status, name: Self.consentMissing)
        }
        guard let found = GlobusToken.all(answer).first(where: { $0.resourceServer == Self.groupsServer }) else {
            throw GlobusError(.protocolViolation, "Globus Auth gave no token for Groups", name: Self.consentMissing)
        }
        dependents.put(digest, found, now)
        return found.accessToken
    }

    private static func active(_ value: LooseJSON) throws(GlobusError) -> [String] {
        guard let groups = value.items else { throw GlobusError(.protocolViolation, "Globus Groups answered no list") }
        let found = groups.compactMap { group -> String? in
            let memberships = group["my_memberships"]?.items ?? []
            return memberships.contains { $0["status"]?.text == "active" } ? group["id"]?.text : nil
        }
        return Set(found).sorted()
    }

    static let groupsScope = "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"
    static let groupsServer = "groups.api.globus.org"
    private static let consentMissing = "consent_required"
}

/// Tokens for Groups, each had by a user's token.
final class DependentTokens: Sendable {
    private struct Entry: Sendable {
        let token: String
        let until: UInt64
    }

    private let table: Mutex<BoundedTable<SHA256Digest, Entry>>
    /// Seconds before its end at which a token is not used any more.
    static let marginSeconds: UInt64 = 60

    init(capacity: Int) { table = Mutex(BoundedTable(capacity: capacity)) }

    func find(_ digest: SHA256Digest, _ now: UInt64) -> String? {
        table.withLock { $0.find(digest) }.flatMap { $0.until > now ? $0.token : nil }
    }

    func put(_ digest: SHA256Digest, _ token: GlobusToken, _ now: UInt64) {
        let life = token.expiresInSeconds > Self.marginSeconds ? token.expiresInSeconds - Self.marginSeconds : 0
        table.withLock { $0.put(digest, Entry(token: token.accessToken, until: now + life * 1_000_000_000)) }
    }

    func drop(_ digest: SHA256Digest) { table.withLock { $0.remove(digest) } }
}
