import Gossip
public import Routing
public import Storage
import Synchronization
import Trust

/// The blocks of this node: in force from the moment they are set, kept in `blocks.db` over restarts.
public final class BlockStore: Sendable {
    private let state: Mutex<[Block]>
    /// What all parts of the node ask.
    public let blocks: Blocks
    private let shelf: BlockShelf
    private let log: @Sendable (LogLevel, String) -> Void

    /// Opens the file. Where it cannot be read, what was blocked is not known any more: the node is then isolated until its operator
    /// lifts that.
    ///
    /// - Throws: a file that cannot be used, with what to do.
    public init(
        path: String, thread: StorageThread, nowSeconds: UInt64, log: @escaping @Sendable (LogLevel, String) -> Void
    ) throws(StorageError) {
        let database = try DatabaseFile.open(path, migrations: BlockShelf.migrations, nowSeconds: nowSeconds)
        var found = try BlockShelf.load(database).filter { $0.isInForce(nowSeconds: nowSeconds) }
        if let damaged = database.damagedFile {
            let reason = "\(path) was damaged and is now \(damaged); the blocks in it are lost"
            log(.error, "\(reason): this node is isolated until its operator lifts that (meshnode isolate --off)")
            let isolation = Block(
                id: Self.makeID(), kind: .isolation, subject: "", reason: String(reason.suffix(Block.reasonBytes)),
                by: "this node", at: nowSeconds)
            try BlockShelf.insert(isolation, database)
            found.append(isolation)
        }
        state = Mutex(found)
        blocks = Blocks()
        blocks.set(found)
        self.log = log
        shelf = BlockShelf(database: database, thread: thread)
        for block in found {
            log(.warning, "in force: \(block.kind.rawValue) \(block.subject) is blocked by \(block.by): \(block.reason)")
        }
    }

    static func makeID() -> String { Digest.hex(Random.bytes(6)) }

    /// Those in force, the oldest first.
    func list(nowSeconds: UInt64) -> [Block] {
        state.withLock { $0 }.filter { $0.isInForce(nowSeconds: nowSeconds) }
    }

    /// Sets a block; one on the same thing is replaced.
    func add(
        _ order: BlockOrder, by actor: String, nowSeconds: UInt64
    ) async throws(APIError) -> Block {
        let block = Block(
            id: Self.makeID(), kind: order.kind, subject: order.subject, reason: order.reason, by: actor, at: nowSeconds,
            until: order.seconds.map { nowSeconds + $0 })
        guard let gone = put(block, nowSeconds) else {
            throw APIError(409, code: "too_many_blocks", "this node holds \(Block.allowed) blocks already: lift some")
        }
        try await keep(block, insteadOf: gone, "the block is in force until this node starts again")
        return block
    }

    /// Lifts blocks: on disk first, so that one is never lifted until the next start alone.
    ///
    /// - Returns: those that were in force; empty: there were none.
    func lift(nowSeconds: UInt64, where isMeant: (Block) -> Bool) async throws(APIError) -> [Block] {
        let gone = held(isMeant)
        guard !gone.isEmpty else { return [] }
        try await keep(nil, insteadOf: gone.map(\.id), "the block is still in force: it was to be lifted")
        take(gone)
        return gone.filter { $0.isInForce(nowSeconds: nowSeconds) }
    }

    // Not inlined: a Mutex must not be locked in an async function that came back from another thread.
    @inline(never)
    private func put(_ block: Block, _ nowSeconds: UInt64) -> [String]? {
        state.withLock { held in
            let gone = held.filter {
                !$0.isInForce(nowSeconds: nowSeconds) || $0.kind == block.kind && $0.subject == block.subject
            }
            guard held.count - gone.count < Block.allowed else { return nil }
            held.removeAll { gone.contains($0) }
            held.append(block)
            // In memory first, and under the lock: from here on it is in force, whatever the disk says.
            blocks.set(held)
            return gone.map(\.id)
        }
    }

    @inline(never)
    private func held(_ isMeant: (Block) -> Bool) -> [Block] { state.withLock { $0.filter(isMeant) } }

    @inline(never)
    private func take(_ gone: [Block]) {
        state.withLock { held in
            held.removeAll { gone.contains($0) }
            blocks.set(held)
        }
    }

    private func keep(_ block: Block?, insteadOf gone: [String], _ state: String) async throws(APIError) {
        do throws(StorageError) {
            try await shelf.write(block, insteadOf: gone)
        } catch {
            log(.error, "a change of blocks could not be written down: \(error)")
            throw APIError(
                503, type: "server_error", code: "storage_unavailable", "\(state), but that could not be kept: try once more"
            )
        }
    }
}
