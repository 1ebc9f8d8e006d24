import Storage
import Trust

/// What a registration authority remembers: invitations by the digest of their secret, who joined by them, and which names are
/// whose. Lives on the storage's thread; each call is one transaction.
actor InviteStore {
    nonisolated let thread: StorageThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private let database: Database

    /// A site's invitation, without its secret.
    struct Invite: Sendable, Equatable {
        var digest: [UInt8]
        var site: String
        var nodes: Int
        /// nil: as the site has them.
        var domains: [String]?
        var addsNodes: Bool
        var expiresAt: Int64
        var createdAt: Int64
        var createdBy: String
    }

    /// Who asks to join by it.
    struct Candidate: Sendable {
        var digest: [UInt8]
        /// SHA-256 of the public key.
        var key: [UInt8]
        var node: String
        var names: [String]
        var address: String
        var now: Int64
    }

    /// What is made for one who may: certificates in base64 DER, and the admission of a site that is new or changed.
    struct Grant: Sendable, Equatable {
        var site: String
        var node: String
        var certificates: [String]
        var admission: String?
        /// It was given before, to the same key.
        var isRepeated = false
    }

    /// Who has a node's name.
    struct Holder: Sendable, Equatable {
        /// SHA-256 of the public key.
        var key: [UInt8]
        /// When the certificate begins that it has it by, seconds since 1970; a revocation after that has ended it.
        var since: Int64
    }

    static let migrations = [
        """
        CREATE TABLE invites(
            digest BLOB PRIMARY KEY, site TEXT NOT NULL, nodes INTEGER NOT NULL, domains TEXT, addsNodes INTEGER NOT NULL,
            expiresAt INTEGER NOT NULL, createdAt INTEGER NOT NULL, createdBy TEXT NOT NULL, admission TEXT) WITHOUT ROWID;
        CREATE TABLE uses(
            digest BLOB NOT NULL REFERENCES invites ON DELETE CASCADE, key BLOB NOT NULL, node TEXT NOT NULL,
            certificates TEXT NOT NULL, expiresAt INTEGER NOT NULL, usedAt INTEGER NOT NULL, address TEXT NOT NULL,
            PRIMARY KEY(digest, key)) WITHOUT ROWID;
        CREATE TABLE members(
            site TEXT NOT NULL, node TEXT NOT NULL, key BLOB NOT NULL, since INTEGER NOT NULL,
            PRIMARY KEY(site, node)) WITHOUT ROWID;
        CREATE TABLE names(name TEXT PRIMARY KEY, site TEXT NOT NULL) WITHOUT ROWID;
        """
    ]
    /// Invitations kept; the oldest that are over make room.
    static let invitesAllowed = 10_000
    /// Seconds for which an invitation that is over is remembered, so that it can be told from one that never was.
    private static let rememberedSeconds: Int64 = 90 * 86_400

    /// - Returns: the store, and where a damaged file is now that was found in its place.
    static func open(
        _ path: String, thread: StorageThread, now: Int64
    ) throws(StorageError) -> (store: InviteStore, damagedFile: String?) {
        let database = try DatabaseFile.open(path, migrations: migrations, nowSeconds: UInt64(max(0, now)))
        // A use that a power cut takes back could be made twice.
        try database.execute("PRAGMA synchronous=FULL")
        let damaged = database.damagedFile
        return (InviteStore(database, thread), damaged)
    }

    private init(_ database: consuming Database, _ thread: StorageThread) {
        self.database = database
        self.thread = thread
    }

    func add(_ invite: Invite) throws(StorageError) {
        try database.transaction { (database) throws(StorageError) in
            var old = try database.prepare("DELETE FROM invites WHERE expiresAt < ?1")
            try old.bind(1, invite.createdAt - Self.rememberedSeconds)
            try old.run()
            var count = try database.prepare("SELECT count(*) FROM invites")
            guard try count.step(), count.integer(0) < Self.invitesAllowed else {
                throw StorageError(.constraint, "there are \(Self.invitesAllowed) invitations, as many as are kept")
            }
            var insert = try database.prepare("INSERT INTO invites VALUES(?1,?2,?3,?4,?5,?6,?7,?8,NULL)")
            try insert.bind(1, invite.digest)
            try insert.bind(2, invite.site)
            try insert.bind(3, Int64(invite.nodes))
            try insert.bind(4, invite.domains?.joined(separator: " "))
            try insert.bind(5, invite.addsNodes ? 1 : 0)
            try insert.bind(6, invite.expiresAt)
            try insert.bind(7, invite.createdAt)
            try insert.bind(8, invite.createdBy)
            try insert.run()
        }
    }

    /// Whether nodes of a site have joined here.
    func knows(site: String) throws(StorageError) -> Bool {
        var found = try database.prepare("SELECT 1 FROM members WHERE site = ?1 LIMIT 1")
        try found.bind(1, site)
        return try found.step()
    }

    /// Lets one in, or says why not.
    ///
    /// - Parameters:
    ///   - judge: what else may stand against it; it is given who has the name here already, if anyone has.
    ///   - make: the certificates and the admission, made while the invitation is held for this one alone. The last argument: it
    ///     is the first node to join by this invitation.
    func admit(
        _ candidate: Candidate, judge: @Sendable (Invite, _ holder: Holder?) -> JoinRefusal?,
        make: @Sendable (Invite, Bool) -> Result<(grant: Grant, validity: Range<Int64>), JoinRefusal>
    ) throws(StorageError) -> Result<Grant, JoinRefusal> {
        try database.transaction { (database) throws(StorageError) in
            guard let invite = try Self.invite(database, candidate.digest) else { return .failure(.unknownInvite) }
            if let given = try Self.given(database, candidate, invite) { return .success(given) }
            guard candidate.now < invite.expiresAt else { return .failure(.expiredInvite(at: invite.expiresAt)) }
            let uses = try Self.uses(database, candidate.digest)
            guard uses < invite.nodes else { return .failure(.usedInvite(nodes: invite.nodes)) }
            let holder = try Self.holder(database, invite.site, candidate.node)
            if let refusal = judge(invite, holder) { return .failure(refusal) }
            for name in candidate.names where !SharedNames.contains(name) {
                if let owner = try Self.owner(database, name), owner != invite.site { return .failure(.addressTaken(name)) }
            }
            switch make(invite, uses == 0) {
            case .failure(let refusal): return .failure(refusal)
            case .success(let made):
                try Self.write(database, candidate, invite, made.grant, made.validity)
                return .success(made.grant)
            }
        }
    }
}
