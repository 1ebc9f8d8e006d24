import CSQLite
import Glibc

/// Opens the files that a node keeps its state in.
public enum DatabaseFile {
    /// Opens a file for its owner alone (mode 0600), checks it, and brings its tables up to date. A damaged file is set aside
    /// as `PATH.damaged-TIME` and a new one begun: a node goes on without what it held rather than not at all.
    ///
    /// - Parameters:
    ///   - migrations: what each version adds, the first from nothing; as many as there are is the file's version.
    ///   - nowSeconds: since 1970, for the name of a damaged file.
    /// - Throws: `.file`, `.newer`, `.busy`; never `.damaged`.
    public static func open(
        _ path: String, migrations: [String], nowSeconds: UInt64
    ) throws(StorageError) -> Database {
        try prepare(path)
        do throws(StorageError) {
            return try checked(path, migrations)
        } catch {
            guard error.code == .damaged else { throw error }
        }
        let aside = try setAside(path, nowSeconds: nowSeconds)
        var database = try checked(path, migrations)
        database.damagedFile = aside
        return database
    }

    /// Sees that the path can hold a database that nobody else reads. SQLite gives its side files the same mode.
    private static func prepare(_ path: String) throws(StorageError) {
        var status = stat()
        if lstat(path, &status) == 0 {
            switch status.st_mode & S_IFMT {
            case S_IFREG: break
            case S_IFDIR: throw StorageError(.file, "\(path) is a directory; a database should be there: move it away")
            default: throw StorageError(.file, "\(path) is no regular file; a database should be there")
            }
            guard status.st_mode & 0o077 != 0 else { return }
            guard chmod(path, 0o600) == 0 else { throw failure("protect", path) }
            return
        }
        let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("make", path) }
        close(descriptor)
    }

    private static func checked(_ path: String, _ migrations: [String]) throws(StorageError) -> Database {
        let database = try Database(path: path)
        let found = try database.integer("PRAGMA user_version") ?? 0
        guard found <= migrations.count else {
            throw StorageError(
                .newer,
                "\(path) was written by a later version of meshnode (its version is \(found), this program's "
                    + "\(migrations.count)): run that one, or move the file away")
        }
        try quickCheck(database)
        // Readers and the writer do not wait for each other; a crash loses at most what the last moment wrote.
        try database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON")
        for version in Int(found)..<migrations.count {
            try database.transaction { (database) throws(StorageError) in
                try database.execute(migrations[version])
                try database.execute("PRAGMA user_version=\(version + 1)")
            }
        }
        return database
    }

    private static func quickCheck(_ database: borrowing Database) throws(StorageError) {
        var statement = try database.prepare("PRAGMA quick_check(1)")
        guard try statement.step(), statement.text(0) == "ok" else {
            throw StorageError(.damaged, "\(database.path): \(statement.text(0) ?? "it cannot be checked")")
        }
    }

    private static func setAside(_ path: String, nowSeconds: UInt64) throws(StorageError) -> String {
        var aside = "\(path).damaged-\(nowSeconds)"
        var number = 1
        while access(aside, F_OK) == 0, number < 100 {
            number += 1
            aside = "\(path).damaged-\(nowSeconds)-\(number)"
        }
        guard rename(path, aside) == 0 else { throw failure("set aside", path) }
        // They belong to the damaged file, and would spoil the new one.
        for side in ["-wal", "-shm", "-journal"] where access(path + side, F_OK) == 0 { rename(path + side, aside + side) }
        try prepare(path)
        return aside
    }

    private static func failure(_ verb: String, _ path: String) -> StorageError {
        StorageError(.file, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
