/// Receipts that outlive the node's memory, in `receipts.db`: bounded in number, bytes and days. Lives on the storage's thread.
public actor ReceiptShelf {
    nonisolated let thread: StorageThread
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private let database: Database
    private let limits: Limits
    /// What is there.
    private var held: Held

    /// How much is kept; the oldest makes room.
    public struct Limits: Sendable, Equatable {
        public var count: Int
        /// Of the receipts' texts; the file is somewhat larger.
        public var bytes: Int
        public var days: Int

        public init(count: Int = 20_000, bytes: Int = 256 << 20, days: Int = 30) {
            self.count = count
            self.bytes = bytes
            self.days = days
        }
    }

    /// A receipt, and what it is found by.
    public struct Row: Sendable, Equatable {
        public var id: UInt64
        public var requestID: String
        /// Milliseconds since 1970.
        public var at: UInt64
        public var model: String
        /// Those that a try went to.
        public var sites: [String]
        public var reason: String?
        /// The first word of it.
        public var outcome: String
        /// The whole receipt, as JSON; what `decision` names in it is left out of lists.
        public var json: String

        public init(
            id: UInt64, requestID: String, at: UInt64, model: String, sites: [String], reason: String?, outcome: String,
            json: String
        ) {
            self.id = id
            self.requestID = requestID
            self.at = at
            self.model = model
            self.sites = sites
            self.reason = reason
            self.outcome = outcome
            self.json = json
        }
    }

    /// What was found at the start.
    public struct Opened: Sendable {
        public let shelf: ReceiptShelf
        /// Of all that are there; 0: there are none.
        public let lastID: UInt64
        /// Where a damaged file is now that was found in its place.
        public let damagedFile: String?
    }

    struct Held {
        var count: Int64 = 0
        var bytes: Int64 = 0
    }

    static let migrations = [
        """
        CREATE TABLE receipts(
            id INTEGER PRIMARY KEY, requestId TEXT NOT NULL, at INTEGER NOT NULL, model TEXT NOT NULL, sites TEXT NOT NULL,
            reason TEXT, outcome TEXT NOT NULL, bytes INTEGER NOT NULL, receipt TEXT NOT NULL) STRICT;
        CREATE INDEX receiptsByRequest ON receipts(requestId);
        CREATE INDEX receiptsByTime ON receipts(at, bytes);
        """
    ]

    /// - Parameter now: milliseconds since 1970.
    /// - Throws: where the file cannot be used at all; a damaged one is set aside.
    public static func open(
        _ path: String, thread: StorageThread, limits: Limits = Limits(), now: UInt64
    ) throws(StorageError) -> Opened {
        let database = try DatabaseFile.open(path, migrations: migrations, nowSeconds: now / 1000)
        var held = try count(database)
        // Limits that were lowered hold from the start.
        try trim(database, &held, limits, now: now)
        let last = UInt64(max(0, try database.integer("SELECT max(id) FROM receipts") ?? 0))
        let damaged = database.damagedFile
        return Opened(
            shelf: ReceiptShelf(database, thread, limits, held), lastID: last, damagedFile: damaged)
    }

    private init(_ database: consuming Database, _ thread: StorageThread, _ limits: Limits, _ held: Held) {
        self.database = database
        self.thread = thread
        self.limits = limits
        self.held = held
    }

    /// Writes some down, all or none, and drops what is too old or too much.
    ///
    /// - Parameter now: milliseconds since 1970.
    public func keep(_ rows: [Row], now: UInt64) throws(StorageError) {
        let limits = limits
        let before = held
        held = try database.transaction { (database) throws(StorageError) in
            var held = before
            var insert = try database.prepare("INSERT OR IGNORE INTO receipts VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)")
            for row in rows {
                try insert.bind(1, Int64(clamping: row.id))
                try insert.bind(2, row.requestID)
                try insert.bind(3, Int64(clamping: row.at))
                try insert.bind(4, row.model)
                // No site's name has a space.
                try insert.bind(5, " " + row.sites.joined(separator: " ") + " ")
                try insert.bind(6, row.reason)
                try insert.bind(7, row.outcome)
                try insert.bind(8, Int64(row.json.utf8.count))
                try insert.bind(9, row.json)
                try insert.run()
                insert.reset()
                guard database.changes > 0 else { continue }
                held.count += 1
                held.bytes += Int64(row.json.utf8.count)
            }
            try Self.trim(database, &held, limits, now: now)
            return held
        }
    }

    // MARK: Room

    private static func count(
        _ database: borrowing Database, where condition: String = "TRUE"
    ) throws(StorageError) -> Held {
        var sums = try database.prepare("SELECT count(*), ifnull(sum(bytes), 0) FROM receipts WHERE \(condition)")
        guard try sums.step() else { return Held() }
        return Held(count: sums.integer(0), bytes: sums.integer(1))
    }

    private static func trim(
        _ database: borrowing Database, _ held: inout Held, _ limits: Limits, now: UInt64
    ) throws(StorageError) {
        let span = UInt64(max(0, limits.days)) * 86_400_000
        let tooOld = "at < \(Int64(clamping: now > span ? now - span : 0))"
        let old = try count(database, where: tooOld)
        if old.count > 0 {
            try database.execute("DELETE FROM receipts WHERE \(tooOld)")
            held.count -= old.count
            held.bytes -= old.bytes
        }
        guard held.count > Int64(limits.count) || held.bytes > Int64(limits.bytes) else { return }
        var through: Int64?
        do {
            var oldest = try database.prepare("SELECT id, bytes FROM receipts ORDER BY id")
            while held.count > Int64(limits.count) || held.bytes > Int64(limits.bytes), try oldest.step() {
                through = oldest.integer(0)
                held.count -= 1
                held.bytes -= oldest.integer(1)
            }
        }
        if let through { try database.execute("DELETE FROM receipts WHERE id <= \(through)") }
    }

    // MARK: Reading

    /// Which receipts a list is of; nil: any.
    public struct Filter: Sendable, Equatable {
        public var model: String?
        /// Where a try went.
        public var site: String?
        public var reason: String?
        /// Its first word.
        public var outcome: String?
        /// Milliseconds since 1970.
        public var since: UInt64?
        /// Ids below this alone.
        public var below: UInt64?

        public init() {}
    }

    /// Newest first, as JSON, each without its `decision`.
    public func list(_ filter: Filter, limit: Int) throws(StorageError) -> [String] {
        var rows = try database.prepare(
            """
            SELECT json_remove(receipt, '$.decision') FROM receipts
            WHERE id < ifnull(?1, 9223372036854775807) AND at >= ifnull(?2, 0) AND (?3 IS NULL OR model = ?3)
            AND (?4 IS NULL OR instr(sites, ?4)) AND (?5 IS NULL OR reason = ?5) AND (?6 IS NULL OR outcome = ?6)
            ORDER BY id DESC LIMIT ?7
            """)
        try rows.bind(1, filter.below.map { Int64(clamping: $0) })
        try rows.bind(2, filter.since.map { Int64(clamping: $0) })
        try rows.bind(3, filter.model)
        try rows.bind(4, filter.site.map { " \($0) " })
        try rows.bind(5, filter.reason)
        try rows.bind(6, filter.outcome)
        try rows.bind(7, Int64(max(0, limit)))
        var found: [String] = []
        while try rows.step() { found.append(rows.text(0) ?? "") }
        return found
    }

    /// One, whole, as JSON; nil: it is not here.
    public func find(id: UInt64) throws(StorageError) -> String? {
        var row = try database.prepare("SELECT receipt FROM receipts WHERE id = ?1")
        try row.bind(1, Int64(clamping: id))
        return try row.step() ? row.text(0) : nil
    }

    public func find(requestID: String) throws(StorageError) -> String? {
        var row = try database.prepare("SELECT receipt FROM receipts WHERE requestId = ?1 ORDER BY id DESC LIMIT 1")
        try row.bind(1, requestID)
        return try row.step() ? row.text(0) : nil
    }

    /// For tests: as if the disk were full, but for a few pages.
    func stopGrowing() throws(StorageError) {
        let pages = try database.integer("PRAGMA page_count") ?? 0
        try database.execute("PRAGMA max_page_count=\(pages + 4)")
    }

    func growAgain() throws(StorageError) { try database.execute("PRAGMA max_page_count=1000000") }
}
