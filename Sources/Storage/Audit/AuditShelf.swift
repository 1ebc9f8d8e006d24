import CLinux
import Glibc

/// The log's file, on the storage's thread: the one place that adds to the chain.
actor AuditShelf {
    private let thread: StorageThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private var database: Database
    private var start: ChainHead
    private var head: ChainHead
    private let directory: String
    private let keeper: AuditKeeper
    private let settings: AuditSettings
    /// The file was set aside, and its successor is still to be opened.
    private var mustReopen = false

    /// What came of a batch.
    enum Outcome: Sendable {
        /// - notices: what else was done, to be written down too.
        case written([AuditEntry], ChainHead, notices: [String])
        case failed(StorageError)
    }

    init(
        _ opened: consuming AuditFile, directory: String, keeper: AuditKeeper, settings: AuditSettings,
        thread: StorageThread
    ) {
        start = opened.start
        head = opened.head
        database = opened.database
        self.directory = directory
        self.keeper = keeper
        self.settings = settings
        self.thread = thread
    }

    /// Comes back once what was asked before is done.
    func pass() {}

    func append(_ events: [AuditEvent]) -> Outcome {
        do throws(StorageError) {
            var notices: [String] = []
            if mustReopen || head.sequence - start.sequence >= settings.entriesInFile { notices = try changeFile() }
            var last = head
            var entries: [AuditEntry] = []
            for event in events {
                let entry = AuditEntry(event, sequence: last.sequence + 1, after: last.hash)
                entries.append(entry)
                last = ChainHead(sequence: entry.sequence, hash: entry.hash)
            }
            try database.transaction { (database) throws(StorageError) in try AuditFile.insert(entries, database) }
            head = last
            return .written(entries, head, notices: notices)
        } catch { return .failed(error) }
    }

    // MARK: Files

    /// Sets the full file aside and goes on in a new one, which begins with the hash of the last entry. Interrupted anywhere, it is
    /// carried on at the next opening.
    private func changeFile() throws(StorageError) -> [String] {
        let path = "\(directory)/\(AuditFile.name)"
        if !mustReopen {
            try makeNext()
            // All into the file itself, which from here on is only read.
            try database.execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE")
            let aside = AuditArchive.path(directory, first: start.sequence + 1, last: head.sequence)
            guard rename(path, aside) == 0 else {
                throw StorageError(.file, "cannot set \(path) aside: \(String(cString: strerror(errno)))")
            }
            chmod(aside, 0o400)
            mustReopen = true
        }
        let opened = try AuditFile.open(directory, keeper, nowSeconds: mesh_realtime_ns() / 1_000_000_000)
        start = opened.start
        head = opened.head
        database = opened.database
        mustReopen = false
        return removeOldest()
    }

    private func makeNext() throws(StorageError) {
        let path = "\(directory)/\(AuditFile.nextName)"
        unlink(path)
        let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(.file, "cannot make \(path): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        let next = try Database(path: path)
        for (index, migration) in AuditFile.migrations.enumerated() {
            try next.execute(migration)
            try next.execute("PRAGMA user_version=\(index + 1)")
        }
        try AuditFile.begin(next, keeper, after: head)
        for witness in try AuditWitness.all(database) { try witness.insert(next) }
    }

    private func removeOldest() -> [String] {
        let files = AuditArchive.list(directory)
        var notices: [String] = []
        for file in files.prefix(max(0, files.count - settings.filesKept)) where unlink(file.path) == 0 {
            notices.append(
                "the entries \(file.first) to \(file.last) were removed: \(settings.filesKept) older files are kept")
        }
        return notices
    }

    // MARK: Reading

    /// Entries in order, also of files set aside.
    func entries(after sequence: UInt64, limit: Int) throws(StorageError) -> [AuditEntry] {
        var found: [AuditEntry] = []
        var last = sequence
        for file in AuditArchive.list(directory) where file.last > last && found.count < limit {
            found += try file.entries(after: last, limit: limit - found.count)
            last = found.last?.sequence ?? last
        }
        if found.count < limit { found += try AuditFile.entries(database, after: last, limit: limit - found.count) }
        return found
    }

    // MARK: Witnesses

    /// Keeps what another node says of its own log.
    ///
    /// - Returns: what of it contradicts what the node said before; nil: nothing.
    func keep(_ witness: AuditWitness) throws(StorageError) -> String? {
        let known = try AuditWitness.all(database, site: witness.site, node: witness.node)
        if known.contains(where: { $0.head == witness.head }) { return nil }
        try witness.insert(database)
        if known.count >= AuditWitness.keptOfNode {
            let all = try AuditWitness.all(database, site: witness.site, node: witness.node)
            try all[AuditWitness.leastMissed(all)].delete(database)
        }
        return witness.contradiction(to: known)
    }

    func witnesses(site: String?, node: String?, limit: Int) throws(StorageError) -> [AuditWitness] {
        try AuditWitness.all(database, site: site, node: node, limit: limit)
    }
}
