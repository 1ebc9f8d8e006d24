/// The mesh as this node last knew it, over a restart: where to ask for the others when no seed answers. Never truth: nothing of it
/// is shown, routed to or passed on; who answers at an address proves who they are. Lives on the storage's thread.
public actor MeshMemory {
    nonisolated let thread: StorageThread
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private let database: Database

    /// Another node as it was last known.
    public struct Node: Sendable, Equatable {
        public var site: String
        public var node: String
        /// `host:port` of its mesh port.
        public var address: String
        public var generation: UInt64
        /// In gossip's words.
        public var state: String
        /// Seconds since 1970.
        public var heardAt: Int64

        public init(site: String, node: String, address: String, generation: UInt64, state: String, heardAt: Int64) {
            self.site = site
            self.node = node
            self.address = address
            self.generation = generation
            self.state = state
            self.heardAt = heardAt
        }
    }

    /// What was found at the start.
    public struct Opened: Sendable {
        public let memory: MeshMemory
        /// Those worth asking first come first.
        public let nodes: [Node]
        /// Where a damaged file is now that was found in its place.
        public let damagedFile: String?
    }

    static let migrations = [
        """
        CREATE TABLE nodes(
            site TEXT NOT NULL, node TEXT NOT NULL, address TEXT NOT NULL, generation INTEGER NOT NULL, state TEXT NOT NULL,
            heardAt INTEGER NOT NULL, PRIMARY KEY(site, node)) WITHOUT ROWID;
        """
    ]
    /// Nodes kept; those not heard of for longest make room.
    public static let nodesKept = 1024
    /// Seconds after which one that was not heard of is dropped.
    public static let keptSeconds: Int64 = 30 * 86_400

    /// Seconds that a row may be ahead of the clock; one further ahead is not believed.
    private static let futureSeconds: Int64 = 86_400

    /// - Throws: where the file cannot be used at all; a damaged one is set aside.
    public static func open(_ path: String, thread: StorageThread, now: Int64) throws(StorageError) -> Opened {
        let database = try DatabaseFile.open(path, migrations: migrations, nowSeconds: UInt64(max(0, now)))
        let nodes = try read(database, since: now - keptSeconds, until: now + futureSeconds)
        let damaged = database.damagedFile
        return Opened(memory: MeshMemory(database, thread), nodes: nodes, damagedFile: damaged)
    }

    private init(_ database: consuming Database, _ thread: StorageThread) {
        self.database = database
        self.thread = thread
    }

    /// Takes over what is now known of some nodes, and drops what is too old or too much.
    public func keep(_ nodes: [Node], now: Int64) throws(StorageError) {
        try database.transaction { (database) throws(StorageError) in
            var insert = try database.prepare(
                """
                INSERT INTO nodes VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(site, node) DO UPDATE SET
                address=excluded.address, generation=excluded.generation, state=excluded.state, heardAt=excluded.heardAt
                """)
            for node in nodes {
                try insert.bind(1, node.site)
                try insert.bind(2, node.node)
                try insert.bind(3, node.address)
                try insert.bind(4, Int64(clamping: node.generation))
                try insert.bind(5, node.state)
                try insert.bind(6, node.heardAt)
                try insert.run()
                insert.reset()
            }
            var old = try database.prepare("DELETE FROM nodes WHERE heardAt < ?1")
            try old.bind(1, now - Self.keptSeconds)
            try old.run()
            var excess = try database.prepare(
                """
                DELETE FROM nodes WHERE (site, node) IN
                (SELECT site, node FROM nodes ORDER BY heardAt DESC LIMIT -1 OFFSET ?1)
                """)
            try excess.bind(1, Int64(Self.nodesKept))
            try excess.run()
        }
    }

    /// All that is kept, as at the start.
    public func nodes(since: Int64 = 0) throws(StorageError) -> [Node] { try Self.read(database, since: since) }

    private static func read(
        _ database: borrowing Database, since: Int64, until: Int64 = .max
    ) throws(StorageError) -> [Node] {
        var rows = try database.prepare(
            """
            SELECT site, node, address, generation, state, heardAt FROM nodes WHERE heardAt BETWEEN ?1 AND ?3
            ORDER BY state = 'alive' DESC, heardAt DESC, site, node LIMIT ?2
            """)
        try rows.bind(1, since)
        try rows.bind(2, Int64(nodesKept))
        try rows.bind(3, until)
        var found: [Node] = []
        while try rows.step() {
            found.append(
                Node(
                    site: rows.text(0) ?? "", node: rows.text(1) ?? "", address: rows.text(2) ?? "",
                    generation: UInt64(max(0, rows.integer(3))), state: rows.text(4) ?? "", heardAt: rows.integer(5)))
        }
        return found
    }
}
