import Routing
import Storage

/// The file of blocks: what is in force after a restart.
actor BlockShelf {
    private let thread: StorageThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private let database: Database
    /// Ids of blocks in force that could not be written, and of the rows whose places they took: these go with the next change.
    private var unwritten: Set<String> = []
    private var overdue: Set<String> = []

    static let migrations = [
        """
        CREATE TABLE blocks (
          id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, set_by TEXT NOT NULL,
          at INTEGER NOT NULL, until INTEGER) STRICT;
        """
    ]

    init(database: consuming Database, thread: StorageThread) {
        self.database = database
        self.thread = thread
    }

    /// All that is in a file, the oldest first.
    ///
    /// - Throws: `.damaged` for a row that cannot be read: a block is not lost silently.
    static func load(_ database: borrowing Database) throws(StorageError) -> [Block] {
        var rows = try database.prepare("SELECT id, kind, subject, reason, set_by, at, until FROM blocks ORDER BY rowid")
        var found: [Block] = []
        while try rows.step() {
            guard let kind = BlockKind(rawValue: rows.text(1) ?? "") else {
                throw StorageError(.damaged, "\(database.path): a block of an unknown kind, \(rows.text(1) ?? "")")
            }
            found.append(
                Block(
                    id: rows.text(0) ?? "", kind: kind, subject: rows.text(2) ?? "", reason: rows.text(3) ?? "",
                    by: rows.text(4) ?? "", at: UInt64(clamping: rows.integer(5)),
                    until: rows.isNull(6) ? nil : UInt64(clamping: rows.integer(6))))
        }
        return found
    }

    static func insert(_ block: Block, _ database: borrowing Database) throws(StorageError) {
        var statement = try database.prepare("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)")
        try statement.bind(1, block.id)
        try statement.bind(2, block.kind.rawValue)
        try statement.bind(3, block.subject)
        try statement.bind(4, block.reason)
        try statement.bind(5, block.by)
        try statement.bind(6, Int64(clamping: block.at))
        try statement.bind(7, block.until.map { Int64(clamping: $0) })
        try statement.run()
    }

    /// Writes a change as one.
    ///
    /// - Parameter gone: ids of blocks that were lifted, replaced, or have expired. Where `added` cannot be written it has taken
    ///   their place all the same: none of them comes back once writing succeeds again.
    func write(_ added: Block?, insteadOf gone: [String]) throws(StorageError) {
        do throws(StorageError) {
            try write(added, without: overdue.union(gone))
            overdue = []
            unwritten.subtract(gone)
        } catch {
            if let added {
                overdue.formUnion(gone.filter { !unwritten.contains($0) })
                unwritten.subtract(gone)
                unwritten.insert(added.id)
            }
            throw error
        }
    }

    private func write(_ added: Block?, without rows: Set<String>) throws(StorageError) {
        try database.transaction { (database) throws(StorageError) in
            var statement = try database.prepare("DELETE FROM blocks WHERE id = ?")
            for id in rows {
                try statement.bind(1, id)
                try statement.run()
                statement.reset()
            }
            if let added { try Self.insert(added, database) }
        }
    }
}
