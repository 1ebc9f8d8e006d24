import API
import CLinux
import Routing
import Storage
import Synchronization

/// Writes receipts down, off the request's path: what a request pays is a place in a queue.
///
/// A disk that fails is said once, and the node goes on: what is kept here serves those who ask later. Neither is a flood of failures
/// let through: beyond its pace receipts are in memory alone.
final class ReceiptKeeper: Sendable {
    private struct State {
        var waiting: [ReceiptTrail] = []
        var isDraining = false
        /// Receipts that may be written now, and when that was reckoned.
        var allowance = Double(burst)
        var at: UInt64 = 0
        var dropped: UInt64 = 0
        var droppedToldAt: UInt64?
    }

    static let fileName = "receipts.db"
    /// Receipts a second, in the long run and at once.
    static let perSecond = 50.0
    static let burst = 500
    /// That wait to be written, and that are written at once.
    static let queueLimit = 512
    static let batch = 64

    let shelf: ReceiptShelf
    private let choice: Choice
    private let tell: @Sendable (LogLevel, String) -> Void
    private let state = Mutex(State())
    private let clock: @Sendable () -> UInt64
    /// When writing failed last; 0: it is well.
    private let failedAt = Atomic<UInt64>(0)
    /// Nanoseconds for which it must be well before that is said: a disk that is all but full takes some and not others.
    static let wellAfter: UInt64 = 60_000_000_000

    private init(
        _ shelf: ReceiptShelf, _ choice: Choice, _ tell: @escaping @Sendable (LogLevel, String) -> Void,
        _ clock: @escaping @Sendable () -> UInt64
    ) {
        self.shelf = shelf
        self.choice = choice
        self.tell = tell
        self.clock = clock
    }

    /// - Parameters:
    ///   - tell: takes what goes wrong, for the node's own log.
    ///   - clock: monotonic nanoseconds.
    /// - Returns: the ring of a node, and its keeper; nil where nothing is to be kept, or can be.
    static func open(
        _ configuration: ReceiptConfiguration, directory: String, choice: Choice, thread: StorageThread,
        tell: @escaping @Sendable (LogLevel, String) -> Void,
        clock: @escaping @Sendable () -> UInt64 = { mesh_monotonic_ns() }
    ) -> (ring: ReceiptRing, keeper: ReceiptKeeper?) {
        let now = mesh_realtime_ns() / 1_000_000
        // Above those of all earlier starts, most of which nobody kept.
        var firstID = now * 1000
        guard configuration.keptCount > 0 else { return (ReceiptRing(limits: configuration.ring, firstID: firstID), nil) }
        do throws(StorageError) {
            let opened = try ReceiptShelf.open(
                directory + "/" + fileName, thread: thread, limits: configuration.shelf, now: now)
            if let aside = opened.damagedFile {
                tell(.warning, "the receipts kept so far were damaged; they are set aside as \(aside)")
            }
            firstID = max(firstID, opened.lastID + 1)
            let keeper = ReceiptKeeper(opened.shelf, choice, tell, clock)
            return (ReceiptRing(limits: configuration.ring, firstID: firstID) { keeper.take($0) }, keeper)
        } catch {
            tell(.warning, "receipts cannot be kept, only the latest are there: \(error.message)")
            return (ReceiptRing(limits: configuration.ring, firstID: firstID), nil)
        }
    }

    /// Takes one; never waits.
    // Not inlined: a Mutex must not be locked in an async function that came back from another thread.
    @inline(never)
    private func take(_ trail: ReceiptTrail) {
        let now = clock()
        let starts = state.withLock { state in
            let passed = state.at == 0 ? 0 : Double(now - min(now, state.at)) / 1e9
            state.allowance = min(state.allowance + passed * Self.perSecond, Double(Self.burst))
            state.at = now
            guard state.allowance >= 1, state.waiting.count < Self.queueLimit else {
                state.dropped += 1
                return false
            }
            state.allowance -= 1
            state.waiting.append(trail)
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if starts { Task { await drain() } }
    }

    /// Writes until nothing waits.
    private func drain() async {
        while let batch = nextBatch() {
            let rows = batch.compactMap { row($0) }
            do throws(StorageError) {
                try await shelf.keep(rows, now: mesh_realtime_ns() / 1_000_000)
                let before = failedAt.load(ordering: .relaxed)
                guard before != 0, clock() - before > Self.wellAfter else { continue }
                failedAt.store(0, ordering: .relaxed)
                tell(.info, "receipts are kept again")
            } catch {
                guard failedAt.exchange(clock(), ordering: .relaxed) == 0 else { continue }
                tell(.warning, "receipts cannot be kept just now, only the latest are there: \(error.message)")
            }
        }
    }

    @inline(never)
    private func nextBatch() -> [ReceiptTrail]? {
        let now = clock()
        let (batch, dropped): ([ReceiptTrail]?, UInt64) = state.withLock { state in
            var dropped: UInt64 = 0
            // Once a minute: a flood must not fill the log either.
            if state.dropped > 0, state.droppedToldAt.map({ now - $0 > 60_000_000_000 }) ?? true {
                (dropped, state.dropped, state.droppedToldAt) = (state.dropped, 0, now)
            }
            guard !state.waiting.isEmpty else {
                state.isDraining = false
                return (nil, dropped)
            }
            let batch = Array(state.waiting.prefix(Self.batch))
            state.waiting.removeFirst(batch.count)
            return (batch, dropped)
        }
        if dropped > 0 {
            tell(.warning, "\(dropped) receipts were more than are written in their time: they were in memory alone")
        }
        return batch
    }

    private func row(_ trail: ReceiptTrail) -> ReceiptShelf.Row? {
        let receipt = trail.receipt(choice)
        guard let json = receipt.json else { return nil }
        return ReceiptShelf.Row(
            id: receipt.id, requestID: receipt.requestID, at: receipt.at, model: receipt.model, sites: trail.triedSites,
            reason: receipt.reason?.rawValue, outcome: Receipt.kind(ofOutcome: receipt.outcome), json: json)
    }

    /// Comes back when what waits is written, or when the time is over: for the end of the program.
    func flush(seconds: Int = 2) async {
        for _ in 0..<seconds * 200 where hasWork { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// That wait to be written.
    var waiting: Int {
        @inline(never) get { state.withLock { $0.waiting.count } }
    }

    private var hasWork: Bool {
        @inline(never) get { state.withLock { $0.isDraining } }
    }
}
