import FoundationEssentials
import Routing
import Synchronization
import Testing
import Trust

@testable import API
@testable import Storage

private let now: UInt64 = 2_000_000_000

private final class Shop: Sendable {
    let folder: String
    let thread: StorageThread
    let said = Mutex<[String]>([])

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/blocks-\(UInt64.random(in: 0 ... .max))"
        try SecretFile.makeDirectory(folder)
        thread = StorageThread()
        try thread.start()
    }

    var path: String { folder + "/blocks.db" }

    func open(at time: UInt64 = now) throws(StorageError) -> BlockStore {
        try BlockStore(path: path, thread: thread, nowSeconds: time) { [self] _, message in
            said.withLock { $0.append(message) }
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

private func order(_ kind: BlockKind, _ subject: String, seconds: UInt64? = nil) -> BlockOrder {
    BlockOrder(kind: kind, subject: subject, reason: "a test", seconds: seconds)
}

@Test func blocksAreInForceAtOnceAndAfterARestart() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let store = try shop.open()
    let bob = try await store.add(order(.user, "bob", seconds: 60), by: "ops", nowSeconds: now)
    let model = try await store.add(order(.model, "m"), by: "ops", nowSeconds: now)
    #expect(store.blocks.current?.all == [bob, model])
    #expect(bob.until == now + 60 && model.until == nil && bob.id != model.id)
    let again = try shop.open(at: now + 59)
    #expect(again.list(nowSeconds: now + 59) == [bob, model])
    // By the clock, without anybody clearing it away, and after a start.
    #expect(again.list(nowSeconds: now + 60) == [model])
    #expect(try shop.open(at: now + 60).list(nowSeconds: now + 60) == [model])
    let lifted = try await again.lift(nowSeconds: now) { $0.id == model.id }
    #expect(lifted == [model])
    let none = try await again.lift(nowSeconds: now) { $0.id == model.id }
    #expect(none.isEmpty)
    #expect(try shop.open().list(nowSeconds: now) == [bob])
}

@Test func aBlockThatCannotBeLiftedOnDiskStaysInForce() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let store = try shop.open()
    let bob = try await store.add(order(.user, "bob"), by: "ops", nowSeconds: now)
    let beside = try Database(path: shop.path)
    try beside.execute("ALTER TABLE blocks RENAME TO aside")
    do throws(APIError) {
        _ = try await store.lift(nowSeconds: now) { $0.id == bob.id }
        Issue.record("it was lifted")
    } catch { #expect(error.status == 503) }
    #expect(store.blocks.current?.all == [bob])
    // Once more, as the error says.
    try beside.execute("ALTER TABLE aside RENAME TO blocks")
    #expect(try await store.lift(nowSeconds: now) { $0.id == bob.id } == [bob])
    #expect(store.blocks.current == nil)
    #expect(try shop.open().list(nowSeconds: now).isEmpty)
}

@Test func aBlockOnTheSameThingTakesItsPlace() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let store = try shop.open()
    _ = try await store.add(order(.user, "bob"), by: "ops", nowSeconds: now)
    let second = try await store.add(order(.user, "bob", seconds: 5), by: "other", nowSeconds: now)
    #expect(store.list(nowSeconds: now) == [second])
    #expect(try shop.open().list(nowSeconds: now) == [second])
}

@Test func whatABlockReplacedStaysGoneAlthoughTheDiskFailed() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    let store = try shop.open()
    _ = try await store.add(order(.user, "bob"), by: "ops", nowSeconds: now)
    let beside = try Database(path: shop.path)
    try beside.execute("ALTER TABLE blocks RENAME TO aside")
    for seconds: UInt64 in [5, 6] {
        do throws(APIError) {
            _ = try await store.add(order(.user, "bob", seconds: seconds), by: "ops", nowSeconds: now)
            Issue.record("it was written")
        } catch { #expect(error.status == 503) }
    }
    #expect(store.list(nowSeconds: now).map(\.until) == [now + 6], "in force it is all the same")
    try beside.execute("ALTER TABLE aside RENAME TO blocks")
    #expect(try await store.lift(nowSeconds: now) { $0.subject == "bob" }.count == 1)
    #expect(try shop.open().list(nowSeconds: now).isEmpty, "the first is not back after a start")
}

@Test func thereAreOnlySoMany() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    _ = try shop.open()
    // All but one are there from before: set one by one they would take most of the time of all tests.
    try Database(path: shop.path).execute(
        """
        INSERT INTO blocks
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(Block.allowed - 1))
        SELECT 'id-' || i, 'user', 'user-' || i, 'a test', 'ops', \(now), NULL FROM n
        """)
    let store = try shop.open()
    _ = try await store.add(order(.user, "the last", seconds: 5), by: "ops", nowSeconds: now)
    do throws(APIError) {
        _ = try await store.add(order(.user, "one more"), by: "ops", nowSeconds: now)
        Issue.record("it was taken")
    } catch { #expect(error.status == 409) }
    // One that has expired makes room.
    _ = try await store.add(order(.user, "one more"), by: "ops", nowSeconds: now + 5)
    #expect(store.list(nowSeconds: now + 5).count == Block.allowed)
}

@Test func aDamagedFileIsolatesTheNode() async throws {
    let shop = try Shop()
    defer { shop.remove() }
    try Data(repeating: 7, count: 8192).write(to: URL(filePath: shop.path))
    let store = try shop.open()
    #expect(store.blocks.current?.isolation(nowSeconds: now) != nil)
    #expect(shop.said.withLock { $0 }.contains { $0.contains("isolated") })
    // And still after another start, until somebody lifts it.
    let again = try shop.open()
    #expect(again.blocks.current?.isolation(nowSeconds: now) != nil)
    _ = try await again.lift(nowSeconds: now) { $0.kind == .isolation }
    #expect(try shop.open().blocks.current == nil)
}
