import FoundationEssentials
import Gossip
import Routing
import Storage
import Trust

/// The file of keys and their owners. What is asked at each request is held in memory by `KeyStore`.
actor KeyShelf {
    private let thread: StorageThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private let database: Database

    /// Secrets are not in it: a key is known by its SHA-256.
    static let migrations = [
        """
        CREATE TABLE owners (subject TEXT PRIMARY KEY, identity TEXT NOT NULL, seen_at INTEGER NOT NULL) STRICT;
        CREATE TABLE keys (
          id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, subject TEXT NOT NULL REFERENCES owners (subject),
          name TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, limits TEXT NOT NULL,
          last_used_at INTEGER NOT NULL, day INTEGER NOT NULL, tokens INTEGER NOT NULL) STRICT;
        CREATE INDEX keys_by_subject ON keys (subject);
        """
    ]

    init(database: consuming Database, thread: StorageThread) {
        self.database = database
        self.thread = thread
    }

    /// Seconds for which a key that has expired is still told from one that never was.
    static let keptAfterEndSeconds: UInt64 = 30 * 86_400

    /// Clears away what has been over for long.
    static func prune(_ database: borrowing Database, nowSeconds: UInt64) throws(StorageError) {
        var statement = try database.prepare("DELETE FROM keys WHERE expires_at < ?")
        try statement.bind(1, Int64(clamping: nowSeconds) - Int64(keptAfterEndSeconds))
        try statement.run()
        try database.execute("DELETE FROM owners WHERE subject NOT IN (SELECT subject FROM keys)")
    }

    /// All that is in a file; rows that cannot be read are left out and counted.
    static func load(_ database: borrowing Database) throws(StorageError) -> (keys: [APIKey], unreadable: Int) {
        var owners: [String: KeyOwner] = [:]
        var unreadable = 0
        var people = try database.prepare("SELECT identity, seen_at FROM owners")
        while try people.step() {
            let text = Data((people.text(0) ?? "").utf8)
            guard let identity = try? JSONDecoder().decode(UserIdentity.self, from: text) else {
                unreadable += 1
                continue
            }
            owners[identity.subject] = KeyOwner(identity, seenAt: UInt64(clamping: people.integer(1)))
        }
        var keys: [APIKey] = []
        var rows = try database.prepare(
            "SELECT id, digest, subject, name, created_at, expires_at, limits, last_used_at, day, tokens FROM keys")
        while try rows.step() {
            guard let digest = SHA256Digest(hex: rows.text(1) ?? ""), let owner = owners[rows.text(2) ?? ""],
                let limits = try? JSONDecoder().decode(KeyLimits.self, from: Data((rows.text(6) ?? "").utf8))
            else {
                unreadable += 1
                continue
            }
            keys.append(
                APIKey(
                    id: rows.text(0) ?? "", name: rows.text(3) ?? "", digest: digest, owner: owner,
                    createdAt: UInt64(clamping: rows.integer(4)), expiresAt: UInt64(clamping: rows.integer(5)),
                    limits: limits,
                    use: APIKey.Use(
                        lastUsedAt: UInt64(clamping: rows.integer(7)), day: UInt64(clamping: rows.integer(8)),
                        tokens: Int(rows.integer(9)))))
        }
        return (keys, unreadable)
    }

    /// - Parameter gone: ids of keys that made room.
    func insert(_ key: APIKey, insteadOf gone: [String]) throws(StorageError) {
        let owner = key.owner.current
        try database.transaction { (database) throws(StorageError) in
            try Self.write(owner, database)
            var statement = try database.prepare("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)")
            try statement.bind(1, key.id)
            try statement.bind(2, key.digest.hex)
            try statement.bind(3, key.owner.subject)
            try statement.bind(4, key.name)
            try statement.bind(5, Int64(clamping: key.createdAt))
            try statement.bind(6, Int64(clamping: key.expiresAt))
            try statement.bind(7, try Self.json(key.limits))
            try statement.run()
            try Self.delete(gone, database)
        }
    }

    func saw(_ owner: KeyOwner) throws(StorageError) { try Self.write(owner.current, database) }

    private static func write(_ owner: KeyOwner.State, _ database: borrowing Database) throws(StorageError) {
        var statement = try database.prepare(
            """
            INSERT INTO owners VALUES (?, ?, ?)
            ON CONFLICT (subject) DO UPDATE SET identity = excluded.identity, seen_at = excluded.seen_at
            """)
        try statement.bind(1, owner.user.identity.subject)
        try statement.bind(2, try json(owner.user.identity))
        try statement.bind(3, Int64(clamping: owner.seenAt))
        try statement.run()
    }

    func note(_ id: String, _ use: APIKey.Use) throws(StorageError) {
        var statement = try database.prepare("UPDATE keys SET last_used_at = ?, day = ?, tokens = ? WHERE id = ?")
        try statement.bind(1, Int64(clamping: use.lastUsedAt))
        try statement.bind(2, Int64(clamping: use.day))
        try statement.bind(3, Int64(use.tokens))
        try statement.bind(4, id)
        try statement.run()
    }

    /// Owners without keys go with their last one.
    func remove(_ ids: [String]) throws(StorageError) {
        try database.transaction { (database) throws(StorageError) in try Self.delete(ids, database) }
    }

    private static func delete(_ ids: [String], _ database: borrowing Database) throws(StorageError) {
        guard !ids.isEmpty else { return }
        var statement = try database.prepare("DELETE FROM keys WHERE id = ?")
        for id in ids {
            try statement.bind(1, id)
            try statement.run()
            statement.reset()
        }
        try database.execute("DELETE FROM owners WHERE subject NOT IN (SELECT subject FROM keys)")
    }

    private static func json(_ value: some Encodable) throws(StorageError) -> String {
        do {
            return String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        } catch { throw StorageError(.library, "a key's description cannot be written: \(error)") }
    }
}
