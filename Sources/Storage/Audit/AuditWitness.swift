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

    /// Heads kept of one node; of more, `leastMissed` goes.
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
        _ database: borrowing Database, site: String? = nil, node: String? = nil, limit: Int = .max
    ) throws(StorageError) -> [AuditWitness] {
        var statement = try database.prepare(
            """
            SELECT site, node, sequence, hash, heard_at FROM witnesses
            WHERE (?1 IS NULL OR site = ?1) AND (?2 IS NULL OR node = ?2) ORDER BY site, node, sequence LIMIT ?3
            """)
        try statement.bind(1, site)
        try statement.bind(2, node)
        try statement.bind(3, Int64(limit))
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

    /// Which of a node's heads goes where there are too many: the one that leaves the smallest gap for its age, so that old times stay
    /// known, only coarser. What contradicts another is kept longest; the first and the last always.
    ///
    /// - Parameter heads: at least three, in order of their sequence.
    static func leastMissed(_ heads: [AuditWitness]) -> Int {
        let last = heads[heads.count - 1].head.sequence
        var best = 1
        var least = Double.infinity
        for index in 1..<heads.count - 1 {
            let (before, own, after) = (
                heads[index - 1].head.sequence, heads[index].head.sequence, heads[index + 1].head.sequence
            )
            guard before < own, own < after else { continue }
            let gap = Double(after - before) / Double(last - own + 1)
            if gap < least { (best, least) = (index, gap) }
        }
        return best
    }

    func delete(_ database: borrowing Database) throws(StorageError) {
        var statement = try database.prepare(
            "DELETE FROM witnesses WHERE site = ? AND node = ? AND sequence = ? AND hash = ?")
        try statement.bind(1, site)
        try statement.bind(2, node)
        try statement.bind(3, Int64(clamping: head.sequence))
        try statement.bind(4, head.hash.hex)
        try statement.run()
    }
}
