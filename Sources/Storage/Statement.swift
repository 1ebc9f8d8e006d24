import CSQLite

/// One prepared statement; finalised with its owner. Parameters count from 1, columns from 0, as SQLite has them.
public struct Statement: ~Copyable {
    private let handle: OpaquePointer
    private let path: String

    /// Takes the statement over.
    init(adopting handle: OpaquePointer, path: String) {
        self.handle = handle
        self.path = path
    }

    deinit { sqlite3_finalize(handle) }

    // MARK: In

    /// A text; nil is NULL.
    public mutating func bind(_ index: Int, _ text: String?) throws(StorageError) {
        guard let text else { return try check(sqlite3_bind_null(handle, Int32(index))) }
        try check(sqlite3_bind_text(handle, Int32(index), text, Int32(text.utf8.count), mesh_sqlite_transient()))
    }

    /// An integer; nil is NULL.
    public mutating func bind(_ index: Int, _ integer: Int64?) throws(StorageError) {
        guard let integer else { return try check(sqlite3_bind_null(handle, Int32(index))) }
        try check(sqlite3_bind_int64(handle, Int32(index), integer))
    }

    /// A blob, never NULL.
    public mutating func bind(_ index: Int, _ bytes: [UInt8]) throws(StorageError) {
        // Without a pointer SQLite would bind NULL: an empty blob is one of length zero.
        guard !bytes.isEmpty else { return try check(sqlite3_bind_zeroblob(handle, Int32(index), 0)) }
        let result = bytes.withUnsafeBytes {
            sqlite3_bind_blob(handle, Int32(index), $0.baseAddress, Int32($0.count), mesh_sqlite_transient())
        }
        try check(result)
    }

    // MARK: On

    /// Goes to the next row; false when there is none.
    public mutating func step() throws(StorageError) -> Bool {
        let result = sqlite3_step(handle)
        switch result {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw Database.error(sqlite3_db_handle(handle), result, path)
        }
    }

    /// Runs a statement without rows to its end.
    public mutating func run() throws(StorageError) { while try step() {} }

    /// Ready to run again, with the values it has.
    public mutating func reset() { sqlite3_reset(handle) }

    // MARK: Out

    public func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }

    public func isNull(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL }

    /// nil for NULL.
    public func text(_ column: Int) -> String? {
        guard let bytes = sqlite3_column_text(handle, Int32(column)) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, Int32(column)))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    public func bytes(_ column: Int) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(handle, Int32(column)) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, Int32(column)))))
    }

    private func check(_ result: Int32) throws(StorageError) {
        guard result == SQLITE_OK else { throw Database.error(sqlite3_db_handle(handle), result, path) }
    }
}
