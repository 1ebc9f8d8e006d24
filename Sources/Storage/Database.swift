import CSQLite

/// One connection to an SQLite file; closed with its owner. To be used by one thread at a time.
///
/// `@unchecked Sendable`: it cannot be copied, so that one owner at a time has it, and SQLite lets a connection go from
/// thread to thread as long as two never use it at once (SQLITE_OPEN_NOMUTEX; sqlite.org/threadsafe.html, multi-thread).
public struct Database: ~Copyable, @unchecked Sendable {
    private let handle: OpaquePointer
    public let path: String
    /// Where a damaged file is now that was found at the path; nil: none was.
    public internal(set) var damagedFile: String?

    /// Milliseconds that a statement waits for another process.
    static let busyMilliseconds: Int32 = 5000

    /// Opens a file, or makes it, as it is: `DatabaseFile.open` is what looks after it.
    ///
    /// - Parameter creates: make a file that is not there.
    init(path: String, creates: Bool = true) throws(StorageError) {
        var opened: OpaquePointer?
        let base = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW
        let flags = creates ? base | SQLITE_OPEN_CREATE : base
        let result = sqlite3_open_v2(path, &opened, flags, nil)
        guard let opened else { throw StorageError(.library, "no memory to open \(path)") }
        guard result == SQLITE_OK else {
            let error = Self.error(opened, result, path)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        self.path = path
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, Self.busyMilliseconds)
    }

    // Statements that outlive it keep it open until they end too.
    deinit { sqlite3_close_v2(handle) }

    /// Runs statements that give nothing back.
    public func execute(_ sql: String) throws(StorageError) {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw Self.error(handle, result, path) }
    }

    /// Makes one statement ready. Values go in by `bind`, never into the text.
    public func prepare(_ sql: String) throws(StorageError) -> Statement {
        var made: OpaquePointer?
        let result = sqlite3_prepare_v2(handle, sql, -1, &made, nil)
        guard result == SQLITE_OK, let made else { throw Self.error(handle, result, path) }
        return Statement(adopting: made, path: path)
    }

    /// Runs `body` as a whole or not at all.
    public func transaction<Result>(
        _ body: (borrowing Database) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try execute("BEGIN IMMEDIATE")
        do throws(StorageError) {
            let result = try body(self)
            try execute("COMMIT")
            return result
        } catch {
            // What failed may have ended the transaction already.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// Rows that the last statement changed.
    public var changes: Int { Int(sqlite3_changes(handle)) }

    /// The first column of the first row, as a number; nil without a row.
    func integer(_ sql: String) throws(StorageError) -> Int64? {
        var statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : nil
    }

    static func error(_ handle: OpaquePointer?, _ result: Int32, _ path: String) -> StorageError {
        let text = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "error \(result)"
        let code: StorageError.Code
        switch result & 0xff {
        case SQLITE_CORRUPT, SQLITE_NOTADB: code = .damaged
        case SQLITE_BUSY, SQLITE_LOCKED: code = .busy
        case SQLITE_CONSTRAINT: code = .constraint
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL: code = .file
        default: code = .library
        }
        return StorageError(code, "\(path): \(text)")
    }
}
