import FoundationEssentials
import Storage
import Testing

/// A folder of one test, gone with it.
final class Folder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/storage-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var file: String { path + "/keys.db" }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    func mode(_ file: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: file))?[.posixPermissions] as? Int
    }
}

private let tables = ["CREATE TABLE fruit (name TEXT PRIMARY KEY, weight INTEGER, peel BLOB)"]

private func insert(_ name: String, _ weight: Int64?, _ database: borrowing Database) throws(StorageError) {
    var statement = try database.prepare("INSERT INTO fruit VALUES (?, ?, ?)")
    try statement.bind(1, name)
    try statement.bind(2, weight)
    try statement.bind(3, [0, 255])
    try statement.run()
}

private func names(_ database: borrowing Database) throws(StorageError) -> [String] {
    var statement = try database.prepare("SELECT name FROM fruit ORDER BY name")
    var found: [String] = []
    while try statement.step() { found.append(statement.text(0) ?? "") }
    return found
}

@Test func whatIsWrittenIsThereAfterwards() throws {
    let folder = try Folder()
    do {
        let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 1)
        try insert("fig'; DROP TABLE fruit; --", nil, database)
        try insert("apple", 150, database)
        #expect(database.damagedFile == nil)
    }
    let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 2)
    var statement = try database.prepare("SELECT weight, peel FROM fruit WHERE name = ?")
    try statement.bind(1, "apple")
    #expect(try statement.step())
    #expect(statement.integer(0) == 150)
    #expect(statement.bytes(1) == [0, 255])
    #expect(try names(database) == ["apple", "fig'; DROP TABLE fruit; --"])
}

@Test func onlyItsOwnerMayReadIt() throws {
    let folder = try Folder()
    try Data().write(to: URL(fileURLWithPath: folder.file))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.file)
    let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 1)
    try insert("pear", 1, database)
    for name in folder.names { #expect(folder.mode(folder.path + "/" + name) == 0o600, "\(name)") }
}

@Test func versionsAreBroughtUpToDateOnce() throws {
    let folder = try Folder()
    do {
        let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 1)
        try insert("pear", 1, database)
    }
    let more = tables + ["ALTER TABLE fruit ADD COLUMN colour TEXT DEFAULT 'green'"]
    for _ in 0..<2 {
        let database = try DatabaseFile.open(folder.file, migrations: more, nowSeconds: 2)
        var statement = try database.prepare("SELECT colour FROM fruit")
        #expect(try statement.step())
        #expect(statement.text(0) == "green")
    }
    // The program of before must not touch what it does not know.
    let error = #expect(throws: StorageError.self) {
        _ = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 3)
    }
    #expect(error?.code == .newer)
    #expect(error?.message.contains("later version") == true)
    #expect(folder.names.allSatisfy { !$0.contains("damaged") })
}

@Test(arguments: ["this is no database at all, but long enough to be told from an empty file by its first page", "half"])
func aDamagedFileIsSetAside(_ kind: String) throws {
    let folder = try Folder()
    if kind == "half" {
        do {
            let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 1)
            for index in 0..<2000 { try insert("fruit \(index)", 1, database) }
            try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file))
        for index in 4096..<bytes.count / 2 { bytes[index] = 0xa5 }
        try bytes.write(to: URL(fileURLWithPath: folder.file))
    } else {
        try Data(kind.utf8).write(to: URL(fileURLWithPath: folder.file))
    }
    let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 77)
    #expect(database.damagedFile == folder.file + ".damaged-77")
    #expect(folder.names.contains("keys.db.damaged-77"))
    try insert("new", 1, database)
    #expect(try names(database) == ["new"])
    #expect(folder.mode(folder.file) == 0o600)
}

@Test func aDirectoryInItsPlaceIsNamed() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.file, withIntermediateDirectories: false)
    let error = #expect(throws: StorageError.self) {
        _ = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 1)
    }
    #expect(error?.code == .file)
    #expect(error?.message.contains("\(folder.file) is a directory") == true)
}

@Test func aBrokenTransactionLeavesNothing() throws {
    let folder = try Folder()
    let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 1)
    let error = #expect(throws: StorageError.self) {
        try database.transaction { (database) throws(StorageError) in
            try insert("plum", 1, database)
            try insert("plum", 2, database)
        }
    }
    #expect(error?.code == .constraint)
    #expect(try names(database) == [])
    try database.transaction { (database) throws(StorageError) in try insert("plum", 1, database) }
    #expect(try names(database) == ["plum"])
}

private actor Shelf {
    private let thread: StorageThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ thread: StorageThread) { self.thread = thread }

    func fill(_ path: String, _ count: Int) throws(StorageError) {
        let database = try DatabaseFile.open(path, migrations: tables, nowSeconds: 1)
        for index in 0..<count { try insert("\(index)", 1, database) }
    }
}

@Test func aStorageThreadRunsWhatIsAskedOfIt() async throws {
    let folder = try Folder()
    let thread = StorageThread()
    try thread.start()
    try thread.start()
    let shelf = Shelf(thread)
    try await shelf.fill(folder.file, 10)
    let database = try DatabaseFile.open(folder.file, migrations: tables, nowSeconds: 1)
    #expect(try names(database).count == 10)
}
