import Trust

/// What a node said of its own audit log, kept by another: a log that was cut or written anew later contradicts it.
public struct AuditWitness: Sendable, Equatable {
    /// Whose log it is.
    public var site: String
    public var node: String
    public var head: ChainHead
    /// Milliseconds since 1970.
    public var heardAt: UInt64

    public init(site: String, node: String, head: ChainHead, heardAt: UInt64) {
        self.site = site
        self.node = node
        self.head = head
        self.heardAt = heardAt
    }

    /// Heads kept of one node: of more, every second of the older half is let go, so that old times are kept too, only coarser.
    static let keptOfNode = 256
    /// Nodes of which heads are kept.
    static let nodesKept = 1024

    /// What it says that cannot be true together with what was said before.
    func contradiction(to known: [AuditWitness]) -> String? {
        if known.contains(where: { $0.head.sequence == head.sequence && $0.head.hash != head.hash }) {
            return "its entry \(head.sequence) is another than the one it told of before: the log was written anew"
        }
        guard let highest = known.map(\.head.sequence).max(), head.sequence < highest else { return nil }
        return
            "it tells of entry \(head.sequence) as its last, and told of entry \(highest) before: the log was cut or set back"
    }

    /// In order of their sequence.
    static func all(
        _ database: borrowing Database, site: String? = nil, node: String? = nil
    ) throws(StorageError) -> [AuditWitness] {
        var statement = try database.prepare(
            """
            SELECT site, node, sequence, hash, heard_at FROM witnesses
            WHERE (?1 IS NULL OR site = ?1) AND (?2 IS NULL OR node = ?2) ORDER BY site, node, sequence
            """)
        try statement.bind(1, site)
        try statement.bind(2, node)
        var found: [AuditWitness] = []
        while try statement.step() {
            guard let hash = SHA256Digest(hex: statement.text(3) ?? "") else { continue }
            found.append(
                AuditWitness(
                    site: statement.text(0) ?? "", node: statement.text(1) ?? "",
                    head: ChainHead(sequence: UInt64(clamping: statement.integer(2)), hash: hash),
                    heardAt: UInt64(clamping: statement.integer(4))))
        }
        return found
    }

    func insert(_ database: borrowing Database) throws(StorageError) {
        var statement = try database.prepare("INSERT OR IGNORE INTO witnesses VALUES (?, ?, ?, ?, ?)")
        try statement.bind(1, site)
        try statement.bind(2, node)
        try statement.bind(3, Int64(clamping: head.sequence))
        try statement.bind(4, head.hash.hex)
        try statement.bind(5, Int64(clamping: heardAt))
        try statement.run()
    }

    static func thin(_ count: Int, site: String, node: String, _ database: borrowing Database) throws(StorageError) {
        guard count > keptOfNode else { return }
        var statement = try database.prepare(
            """
            DELETE FROM witnesses WHERE site = ?1 AND node = ?2 AND (sequence, hash) IN (
              SELECT sequence, hash FROM (
                SELECT sequence, hash, row_number() OVER (ORDER BY sequence) AS place FROM witnesses
                WHERE site = ?1 AND node = ?2)
              WHERE place <= ?3 AND place % 2 = 0)
            """)
        try statement.bind(1, site)
        try statement.bind(2, node)
        try statement.bind(3, Int64(count / 2))
        try statement.run()
    }
}
