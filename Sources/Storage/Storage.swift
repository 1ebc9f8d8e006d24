import CSQLite

/// What a node keeps in SQLite.
public enum Storage {
    /// The library's version, for logs and `doctor`.
    public static var libraryVersion: String { String(cString: sqlite3_libversion()) }
}
