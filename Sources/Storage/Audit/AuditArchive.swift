import Glibc

/// A file of the log that was full and is set aside.
struct AuditArchive: Sendable, Equatable {
    let path: String
    let first: UInt64
    let last: UInt64

    static func path(_ directory: String, first: UInt64, last: UInt64) -> String { "\(directory)/audit-\(first)-\(last).db" }

    /// Those of a directory, the oldest first.
    static func list(_ directory: String) -> [AuditArchive] {
        guard let open = opendir(directory) else { return [] }
        defer { closedir(open) }
        var found: [AuditArchive] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix("audit-"), name.hasSuffix(".db") else { continue }
            let numbers = name.dropFirst(6).dropLast(3).split(separator: "-", omittingEmptySubsequences: false)
            guard numbers.count == 2, let first = UInt64(numbers[0]), let last = UInt64(numbers[1]), first <= last else {
                continue
            }
            found.append(AuditArchive(path: "\(directory)/\(name)", first: first, last: last))
        }
        return found.sorted { $0.first < $1.first }
    }

    func head() throws(StorageError) -> ChainHead {
        let database = try Database(path: path, creates: false)
        let (_, start) = try AuditFile.chain(database)
        return try AuditFile.head(database, start)
    }

    func entries(after sequence: UInt64, limit: Int) throws(StorageError) -> [AuditEntry] {
        let database = try Database(path: path, creates: false)
        return try AuditFile.entries(database, after: sequence, limit: limit)
    }
}
