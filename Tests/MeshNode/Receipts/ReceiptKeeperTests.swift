import API
import CLinux
import Gossip
import Synchronization
import Testing

@testable import MeshNode
@testable import Routing
@testable import Storage

@Suite struct ReceiptKeeperTests {
    private let choice = Choice()
    private let said = Said()

    private final class Said: Sendable {
        let lines = Mutex<[String]>([])
        let now = Atomic<UInt64>(1_000_000_000)
    }

    private func tell(_ level: LogLevel, _ line: String) { said.lines.withLock { $0.append("\(level) \(line)") } }
    private var lines: [String] { said.lines.withLock { $0 } }

    private func thread() throws -> StorageThread {
        let thread = StorageThread()
        try thread.start()
        return thread
    }

    /// A request that fails at one site and is answered by another, among sites in a state of chance.
    private func trail(_ number: UInt64) -> ReceiptTrail {
        var random = SplitMix64(seed: number)
        let candidates = (0..<Int(2 + random.next() % 20)).map { index in
            let load = LiveLoad()
            load.update(slots: 8, running: Int(random.next() % 9), waiting: 0, now: 1 + random.next() % 60_000_000_000)
            load.setRoundTrip(seconds: Double.random(in: 0...0.2, using: &random))
            return Candidate(
                node: NodeID(site: "s\(index)", node: "n1"), isLocal: false,
                nodeState: random.next() % 9 == 0 ? .dead : .alive, isDraining: false,
                variant: Variant(id: "m", state: .running, backend: "openai"), load: load)
        }
        var trail = ReceiptTrail()
        let needs = RequestNeeds(model: "m")
        trail.begin(
            requestID: "req_\(number)", user: "alice", entry: NodeID(site: "a", node: "a1"), needs: needs,
            candidates: candidates, at: mesh_realtime_ns() + number * 1_000_000, now: 60_000_000_000)
        var journey = Journey()
        while let step = trail.next(&journey, choice, for: needs, now: 60_000_000_000, random: &random) {
            trail.tries += 1
            trail.reason = step.reason
            trail.site = candidates[step.index].node.siteName
            if trail.tries == 2 {
                trail.ended(.answered, now: 61_000_000_000)
                break
            }
            trail.ended(.failed(RoutingFailure(.unreachable, status: 502, "it died")), now: 60_500_000_000)
            journey.failed(step.index)
        }
        trail.outcome = "answered"
        return trail
    }

    @Test func whatIsKeptReplaysAfterARestart() async throws {
        let directory = try TemporaryDirectory()
        let thread = try thread()
        let open = {
            ReceiptKeeper.open(
                ReceiptConfiguration(), directory: directory.path, choice: choice, thread: thread, tell: tell)
        }
        var given: [UInt64: Receipt] = [:]
        do {
            let (ring, keeper) = open()
            for number in UInt64(0)..<300 {
                var trail = trail(number)
                ring.add(&trail)
            }
            for trail in ring.latest(1000).trails { given[trail.id] = trail.receipt(choice) }
            await keeper?.flush(seconds: 120)
        }
        #expect(given.count == 300)
        let (ring, keeper) = open()
        let shelf = try #require(keeper?.shelf)
        for (id, receipt) in given {
            let text = try #require(try await shelf.find(id: id))
            let read = try Receipt(json: Array(text.utf8))
            #expect(read == receipt)
            #expect(read.decision?.replaysTheSame == true && read.decision?.steps.count == 2)
            #expect(try await shelf.find(requestID: receipt.requestID) == text)
        }
        // Later ids are above all of them, whatever the clock says.
        #expect(ring.latest(1).oldest > given.keys.max() ?? .max)
        var filter = ReceiptShelf.Filter()
        filter.reason = "failover"
        let listed = try await shelf.list(filter, limit: 1000)
        #expect(listed.count == given.values.count { $0.reason == .failover } && listed.count > 200)
        #expect(!listed.contains { $0.contains("decision") })
    }

    @Test func aFloodIsNotWritten() async throws {
        let directory = try TemporaryDirectory()
        let (ring, keeper) = ReceiptKeeper.open(
            ReceiptConfiguration(), directory: directory.path, choice: choice, thread: try thread(), tell: tell,
            clock: { [said] in said.now.load(ordering: .relaxed) })
        let shelf = try #require(keeper?.shelf)
        let one = trail(5)
        for _ in 0..<5000 {
            var trail = one
            ring.add(&trail)
        }
        await keeper?.flush(seconds: 120)
        let kept = try await shelf.list(ReceiptShelf.Filter(), limit: 10_000).count
        #expect(kept == ReceiptKeeper.burst)
        #expect(ring.size.count == ReceiptConfiguration().recentCount)
        #expect(lines.count == 1 && lines[0].contains("receipts were more than are written"), "\(lines)")
        // As time goes by there is room for more.
        said.now.add(2_000_000_000, ordering: .relaxed)
        for _ in 0..<300 {
            var trail = one
            ring.add(&trail)
        }
        await keeper?.flush(seconds: 120)
        let later = try await shelf.list(ReceiptShelf.Filter(), limit: 10_000).count
        #expect(later == ReceiptKeeper.burst + 2 * Int(ReceiptKeeper.perSecond))
    }

    /// A disk that never answers: requests go on, and what waits stays bounded.
    @Test func aDiskThatHangsHoldsNobodyUp() throws {
        let directory = try TemporaryDirectory()
        // Its thread does not run.
        let (ring, keeper) = ReceiptKeeper.open(
            ReceiptConfiguration(), directory: directory.path, choice: choice, thread: StorageThread(), tell: tell)
        let one = trail(5)
        for _ in 0..<3000 {
            var trail = one
            ring.add(&trail)
        }
        #expect(ring.size.count == ReceiptConfiguration().recentCount)
        #expect(try #require(keeper).waiting <= ReceiptKeeper.queueLimit)
    }

    @Test func aFullDiskIsSaidOnceAndSoIsItsEnd() async throws {
        let directory = try TemporaryDirectory()
        let (ring, keeper) = ReceiptKeeper.open(
            ReceiptConfiguration(), directory: directory.path, choice: choice, thread: try thread(), tell: tell,
            clock: { [said] in said.now.load(ordering: .relaxed) })
        let shelf = try #require(keeper?.shelf)
        func add(_ number: UInt64) async {
            var trail = trail(number)
            ring.add(&trail)
            await keeper?.flush(seconds: 120)
        }
        await add(1)
        #expect(lines == [])
        try await shelf.stopGrowing()
        for number in UInt64(2)...60 { await add(number) }
        #expect(lines.count == 1 && lines[0].hasPrefix("warning receipts cannot be kept just now"), "\(lines)")
        #expect(ring.size.count == 60)
        try await shelf.growAgain()
        await add(61)
        // Not at once: it may fail again in a moment.
        #expect(lines.count == 1)
        said.now.add(ReceiptKeeper.wellAfter + 1, ordering: .relaxed)
        await add(62)
        await add(63)
        #expect(lines.count == 2 && lines[1] == "info receipts are kept again")
        let last = try #require(ring.latest(1).trails.first)
        #expect(try await shelf.find(id: last.id) != nil)
    }

    @Test func nothingIsKeptWhereNothingIsAskedFor() throws {
        let directory = try TemporaryDirectory()
        var configuration = ReceiptConfiguration()
        configuration.keptCount = 0
        let (ring, keeper) = ReceiptKeeper.open(
            configuration, directory: directory.path, choice: choice, thread: try thread(), tell: tell)
        #expect(keeper == nil)
        var trail = trail(1)
        ring.add(&trail)
        #expect(ring.latest(10).trails.count == 1)
    }

    /// A state directory that is away costs the receipts on disk, and nothing else.
    @Test func aDiskThatFailsIsNoReasonNotToStart() throws {
        let (ring, keeper) = ReceiptKeeper.open(
            ReceiptConfiguration(), directory: "/nonexistent", choice: choice, thread: try thread(), tell: tell)
        #expect(keeper == nil)
        var trail = trail(1)
        ring.add(&trail)
        #expect(ring.latest(10).trails.count == 1)
    }
}
