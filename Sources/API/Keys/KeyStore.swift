public import Gossip
import Routing
public import Storage
import Synchronization
import Transport
import Trust

/// How long keys last and how many there may be.
public struct KeySettings: Sendable, Equatable {
    /// The longest life of a key; 0: none can be made.
    public var maximumDays = 90
    /// A key ends at the latest this long after its owner logged in at the identity provider.
    public var reauthenticationDays = 30
    /// A key sleeps when its owner was not seen for this long, until the owner logs in again.
    public var unseenDays = 30
    /// How often an owner who uses other tokens too is written down anew.
    public var recheckSeconds: UInt64 = 600
    /// Keys of one owner. Of those that have expired only as many are kept as there is room for.
    public var perUser = 50
    /// Keys of all owners, with those that have expired.
    public var allowed = 100_000

    public init() {}
}

/// The API keys of this node: looked up in memory by SHA-256, kept in a file.
public final class KeyStore: Sendable {
    struct State {
        var byDigest: [SHA256Digest: APIKey] = [:]
        var byID: [String: APIKey] = [:]
        var owners: [String: KeyOwner] = [:]
        /// Revoked, and of no use here any more, but still in the file: by id, so that the revocation can be tried again.
        var unwritten: [String: APIKey] = [:]

        /// Forgets a key, and its owner with the last one.
        mutating func remove(_ key: APIKey) {
            byDigest[key.digest] = nil
            byID[key.id] = nil
            if !byID.values.contains(where: { $0.owner.subject == key.owner.subject }) { owners[key.owner.subject] = nil }
        }
    }

    let settings: KeySettings
    /// Which of those who log in are users here; owners by static tokens are none of these.
    let roles: RoleRules
    let site: String
    let state: Mutex<State>
    let shelf: KeyShelf
    /// Whether a static token of a name is still in the configuration.
    private let hasStaticToken: @Sendable (String) -> Bool
    let log: @Sendable (LogLevel, String) -> Void

    /// Opens the file; a damaged one is set aside, and said so in the log.
    ///
    /// - Parameters:
    ///   - roles: whom the node takes; asked when a key is made, and at each use.
    ///   - hasStaticToken: whether the configuration still has a token of that name; its keys end with it.
    /// - Throws: a file that cannot be used, with what to do.
    public init(
        path: String, site: String, settings: KeySettings, roles: RoleRules = RoleRules(), thread: StorageThread,
        nowSeconds: UInt64,
        hasStaticToken: @escaping @Sendable (String) -> Bool, log: @escaping @Sendable (LogLevel, String) -> Void
    ) throws(StorageError) {
        let database = try DatabaseFile.open(path, migrations: KeyShelf.migrations, nowSeconds: nowSeconds)
        if let damaged = database.damagedFile {
            log(.error, "\(path) was damaged and is now \(damaged); the keys in it are lost and have to be made again")
        }
        try KeyShelf.prune(database, nowSeconds: nowSeconds)
        let (keys, unreadable) = try KeyShelf.load(database)
        if unreadable > 0 { log(.warning, "\(unreadable) rows of \(path) cannot be read and are left out") }
        var state = State()
        for key in keys {
            state.byDigest[key.digest] = key
            state.byID[key.id] = key
            state.owners[key.owner.subject] = key.owner
        }
        self.state = Mutex(state)
        self.settings = settings
        self.roles = roles
        self.site = site
        self.hasStaticToken = hasStaticToken
        self.log = log
        shelf = KeyShelf(database: database, thread: thread)
    }

    /// Whose key a token is. Only for tokens that begin as keys do; others are `.unknown`.
    func identify(_ token: UnsafeRawBufferPointer, nowSeconds: UInt64) -> Authentication {
        guard token.starts(with: KeyText.prefix.utf8) else { return .unknown }
        guard let site = KeyText.site(token) else {
            return .refused(AuthenticationRefusal(code: "invalid_key", "this looks like an API key, but is none"))
        }
        guard site == self.site else {
            return .refused(
                AuthenticationRefusal(
                    code: "key_of_other_site",
                    "this key was made at the site \(site) and is good there alone; this is \(self.site)"))
        }
        let digest = Digest.sha256(token)
        guard let key = state.withLock({ $0.byDigest[digest] }) else {
            return .refused(
                AuthenticationRefusal(
                    code: "invalid_key", "this key is not known here: it was revoked, or made at another node"))
        }
        if let refusal = refusal(of: key, nowSeconds: nowSeconds) { return .refused(refusal) }
        if let use = key.note(nowSeconds: nowSeconds) { save { try await $0.note(key.id, use) } }
        return .caller(Caller(user: key.owner.current.user, role: .user, key: key))
    }

    /// Why a key that is known is no good just now.
    private func refusal(of key: APIKey, nowSeconds: UInt64) -> AuthenticationRefusal? {
        let owner = key.owner.current
        let identity = owner.user.identity
        guard nowSeconds < key.expiresAt else {
            return AuthenticationRefusal(code: "key_expired", "this key has expired; log in and make another")
        }
        if identity.subject.hasPrefix(UserIdentity.staticPrefix) {
            let name = String(identity.subject.dropFirst(UserIdentity.staticPrefix.utf8.count))
            return hasStaticToken(name)
                ? nil
                : AuthenticationRefusal(code: "key_owner_gone", "the token by which this key was made is not valid any more")
        }
        guard nowSeconds < owner.seenAt + UInt64(settings.unseenDays) * 86_400 else {
            return AuthenticationRefusal(
                code: "key_sleeps",
                "this key sleeps, since its owner has not logged in here for \(settings.unseenDays) days: "
                    + "log in and use the new token once")
        }
        do throws(AccessRefusal) {
            try checkRole(of: identity, nowSeconds: nowSeconds)
        } catch { return AuthenticationRefusal(status: 403, code: "access_denied", error.description) }
        return nil
    }

    /// Holds an owner to the rules of the roles, as a token of theirs would be.
    func checkRole(of identity: UserIdentity, nowSeconds: UInt64) throws(AccessRefusal) {
        guard !identity.subject.hasPrefix(UserIdentity.staticPrefix) else { return }
        _ = try roles.role(of: identity, nowSeconds: nowSeconds)
    }

    /// The identity provider has told of a user: keys are checked by that from now on.
    public func saw(_ identity: UserIdentity, nowSeconds: UInt64) {
        guard let owner = state.withLock({ $0.owners[identity.subject] }),
            owner.saw(identity, at: nowSeconds, recheckSeconds: settings.recheckSeconds)
        else { return }
        save { try await $0.saw(owner) }
    }

    /// Writes something down without anyone waiting for it.
    func save(_ body: @escaping @Sendable (KeyShelf) async throws -> Void) {
        let shelf = shelf
        let log = log
        Task {
            do { try await body(shelf) } catch { log(.warning, "keys could not be written down: \(error)") }
        }
    }
}
