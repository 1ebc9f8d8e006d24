import Glibc
import Trust

/// Whose log it is: what its chain begins with.
struct AuditKeeper: Sendable, Equatable {
    let federation: String
    let site: String
    let node: String

    var genesis: SHA256Digest { AuditChain.genesis(federation: federation, site: site, node: node) }
}

/// The file that the log is written to, open, and how far the chain in it has come.
struct AuditFile: ~Copyable {
    let database: Database
    /// What the first entry in this file hangs on.
    let start: ChainHead
    let head: ChainHead
    /// What the log itself has to say of how it was opened; nil: nothing happened.
    var notice: String?

    static let name = "audit.db"
    /// Of the file that takes its place while that changes.
    static let nextName = "audit.db.next"

    /// `chain`: whose log it is and what its first entry hangs on. `entries` can be added to at its end, and that alone.
    /// `witnesses`: heads of other nodes' chains as they told them.
    static let migrations = [
        """
        CREATE TABLE chain (
          one INTEGER PRIMARY KEY CHECK (one = 1), federation TEXT NOT NULL, site TEXT NOT NULL, node TEXT NOT NULL,
          sequence INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
        CREATE TABLE entries (
          sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, first_at INTEGER NOT NULL, count INTEGER NOT NULL,
          kind TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
        CREATE TABLE witnesses (
          site TEXT NOT NULL, node TEXT NOT NULL, sequence INTEGER NOT NULL, hash TEXT NOT NULL, heard_at INTEGER NOT NULL,
          PRIMARY KEY (site, node, sequence, hash)) STRICT, WITHOUT ROWID;
        CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
          BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
          BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER entries_follow_each_other BEFORE INSERT ON entries
          WHEN NEW.sequence <> 1 + coalesce((SELECT max(sequence) FROM entries), (SELECT sequence FROM chain))
          BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER chain_is_not_changed BEFORE UPDATE ON chain
          BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER chain_is_not_deleted BEFORE DELETE ON chain
          BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        """
    ]

    /// Opens the log of a directory, or begins it: after the last file that was set aside, if there is one.
    static func open(_ directory: String, _ keeper: AuditKeeper, nowSeconds: UInt64) throws(StorageError) -> AuditFile {
        let path = "\(directory)/\(name)"
        // A change of files that was interrupted is carried on.
        if access(path, F_OK) != 0 { rename("\(directory)/\(nextName)", path) } else { unlink("\(directory)/\(nextName)") }
        let database = try DatabaseFile.open(path, migrations: migrations, nowSeconds: nowSeconds)
        // What was told to others as written must be there after a loss of power too.
        try database.execute("PRAGMA synchronous=FULL")
        let damaged = database.damagedFile
        var notice: String?
        if try database.integer("SELECT count(*) FROM chain") == 0 {
            let last = try AuditArchive.list(directory).last?.head()
            try begin(database, keeper, after: last ?? ChainHead(sequence: 0, hash: keeper.genesis))
            notice =
                last == nil ? "the audit log begins" : "the audit log goes on after its last file, the newest was missing"
        }
        if let damaged { notice = "the audit log was damaged and is now \(damaged); it begins anew" }
        return try read(database, keeper, notice)
    }

    private static func read(
        _ database: consuming Database, _ keeper: AuditKeeper, _ notice: String?
    ) throws(StorageError) -> AuditFile {
        let (found, start) = try chain(database)
        guard found == keeper else {
            throw StorageError(
                .file,
                "\(database.path) is the audit log of \(found.site)/\(found.node) in \(found.federation), not of this node: "
                    + "move it away")
        }
        let head = try head(database, start)
        return AuditFile(database: database, start: start, head: head, notice: notice)
    }

    static func begin(_ database: borrowing Database, _ keeper: AuditKeeper, after head: ChainHead) throws(StorageError) {
        var statement = try database.prepare("INSERT INTO chain VALUES (1, ?, ?, ?, ?, ?)")
        try statement.bind(1, keeper.federation)
        try statement.bind(2, keeper.site)
        try statement.bind(3, keeper.node)
        try statement.bind(4, Int64(clamping: head.sequence))
        try statement.bind(5, head.hash.hex)
        try statement.run()
    }

    /// Whose log a file is, and what its first entry hangs on.
    static func chain(_ database: borrowing Database) throws(StorageError) -> (keeper: AuditKeeper, start: ChainHead) {
        var statement = try database.prepare("SELECT federation, site, node, sequence, hash FROM chain")
        guard try statement.step(), let hash = SHA256Digest(hex: statement.text(4) ?? "") else {
            throw StorageError(.damaged, "\(database.path) does not say whose audit log it is")
        }
        let keeper = AuditKeeper(
            federation: statement.text(0) ?? "", site: statement.text(1) ?? "", node: statement.text(2) ?? "")
        return (keeper, ChainHead(sequence: UInt64(clamping: statement.integer(3)), hash: hash))
    }

    static func head(_ database: borrowing Database, _ start: ChainHead) throws(StorageError) -> ChainHead {
        var statement = try database.prepare("SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1")
        guard try statement.step() else { return start }
        guard let hash = SHA256Digest(hex: statement.text(1) ?? "") else {
            throw StorageError(.damaged, "\(database.path): the last entry has no hash")
        }
        return ChainHead(sequence: UInt64(clamping: statement.integer(0)), hash: hash)
    }

    /// Entries in order.
    ///
    /// - Parameter limit: of rows.
    static func entries(
        _ database: borrowing Database, after sequence: UInt64, limit: Int
    ) throws(StorageError) -> [AuditEntry] {
        var statement = try database.prepare(
            """
            SELECT sequence, at, first_at, count, kind, actor, subject, detail, hash FROM entries
            WHERE sequence > ? ORDER BY sequence LIMIT ?
            """)
        try statement.bind(1, Int64(clamping: sequence))
        try statement.bind(2, Int64(limit))
        var found: [AuditEntry] = []
        while try statement.step() {
            guard let hash = SHA256Digest(hex: statement.text(8) ?? "") else {
                throw StorageError(.damaged, "\(database.path): entry \(statement.integer(0)) has no hash")
            }
            found.append(
                AuditEntry(
                    sequence: UInt64(clamping: statement.integer(0)), at: UInt64(clamping: statement.integer(1)),
                    firstAt: UInt64(clamping: statement.integer(2)), count: UInt64(clamping: statement.integer(3)),
                    kind: statement.text(4) ?? "", actor: statement.text(5) ?? "", subject: statement.text(6) ?? "",
                    detail: statement.text(7) ?? "", hash: hash))
        }
        return found
    }

    static func insert(_ entries: [AuditEntry], _ database: borrowing Database) throws(StorageError) {
        var statement = try database.prepare("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for entry in entries {
            try statement.bind(1, Int64(clamping: entry.sequence))
            try statement.bind(2, Int64(clamping: entry.at))
            try statement.bind(3, Int64(clamping: entry.firstAt))
            try statement.bind(4, Int64(clamping: entry.count))
            try statement.bind(5, entry.kind)
            try statement.bind(6, entry.actor)
            try statement.bind(7, entry.subject)
            try statement.bind(8, entry.detail)
            try statement.bind(9, entry.hash.hex)
            try statement.run()
            statement.reset()
        }
    }
}
