import CLinux
import Synchronization
import Trust

/// Takes entries once they are written: the system's journal, a syslog server. Must not wait.
public protocol AuditSink: Sendable {
    func take(_ entries: [AuditEntry])
}

/// How the audit log is kept.
public struct AuditSettings: Sendable, Equatable {
    /// Entries in one file; a full one is set aside as `audit-FIRST-LAST.db`, and the chain goes on in a new one.
    public var entriesInFile: UInt64 = 100_000
    /// Files set aside that are kept; the oldest beyond are removed, which is itself written down.
    public var filesKept = 50

    public init() {}
}

/// What happened at this node that somebody may have to answer for: append-only, hash-chained, kept in `audit.db`.
///
/// Events are handed over without waiting, and written in batches on the storage's thread. What finds no room is counted, and the
/// count written.
public final class AuditLog: Sendable {
    private struct State {
        var waiting: [AuditEvent] = []
        var refusals = RefusalCounter()
        var lost: UInt64 = 0
        var isDraining = false
        var isTicking = false
        var head: ChainHead
    }

    /// Events that wait to be written.
    static let queueLimit = 4096

    let shelf: AuditShelf
    let witnessed = Mutex(WitnessedHeads())
    let log: @Sendable (String) -> Void
    private let state: Mutex<State>
    private let sinks: [any AuditSink]

    /// Opens the log, or begins it.
    ///
    /// - Parameters:
    ///   - directory: the node's state directory.
    ///   - sinks: told of each entry once it is written.
    ///   - log: takes what goes wrong, for the node's own log.
    /// - Throws: a file that cannot be used, with what to do.
    public init(
        directory: String, federation: String, site: String, node: String, settings: AuditSettings = AuditSettings(),
        thread: StorageThread, sinks: [any AuditSink] = [], log: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(StorageError) {
        let keeper = AuditKeeper(federation: federation, site: site, node: node)
        let opened = try AuditFile.open(directory, keeper, nowSeconds: mesh_realtime_ns() / 1_000_000_000)
        let (head, notice) = (opened.head, opened.notice)
        shelf = AuditShelf(opened, directory: directory, keeper: keeper, settings: settings, thread: thread)
        state = Mutex(State(head: head))
        self.sinks = sinks
        self.log = log
        if let notice {
            if head.sequence > 0 || notice.contains("damaged") { log(notice) }
            record(.audit, actor: "\(site)/\(node)", subject: "audit.db", detail: notice)
        }
    }

    /// Writes something down, soon. Cheap, callable from anywhere, never waits.
    ///
    /// - Parameters:
    ///   - actor: who did it: an operator's name, a node, a network address. 256 bytes at most, like `subject`.
    ///   - subject: what it was done to.
    ///   - detail: one line for people, 1024 bytes at most. Never a secret.
    public func record(_ kind: AuditKind, actor: String, subject: String = "", detail: String = "") {
        record(kind, actor: actor, subject: subject, detail: detail, at: mesh_realtime_ns() / 1_000_000)
    }

    // Not inlined: a Mutex must not be locked in an async function that came back from another thread.
    @inline(never)
    func record(_ kind: AuditKind, actor: String, subject: String, detail: String, at now: UInt64) {
        let event = AuditEvent(kind, actor: actor, subject: subject, detail: detail, at: now)
        let (drain, tick): (Bool, Bool) = state.withLock { state in
            let due = kind.isCounted ? state.refusals.take(event) : [event]
            for event in due { Self.add(event, &state) }
            let drain = !state.waiting.isEmpty && !state.isDraining
            if drain { state.isDraining = true }
            let tick = !state.refusals.isEmpty && !state.isTicking
            if tick { state.isTicking = true }
            return (drain, tick)
        }
        if drain { Task { await self.drain() } }
        if tick { Task { await self.tick() } }
    }

    private static func add(_ event: AuditEvent, _ state: inout State) {
        if state.waiting.count < queueLimit { state.waiting.append(event) } else { state.lost += event.count }
    }

    /// The newest entry that is written.
    public var head: ChainHead {
        @inline(never) get { state.withLock { $0.head } }
    }

    /// Writes what waits, with what was counted so far; for the end of the program, and for tests. Gives up after 2 s.
    public func flush() async {
        settle(now: .max)
        for _ in 0..<400 where hasWork {
            await shelf.pass()
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: Writing

    /// Writes until nothing waits.
    private func drain() async {
        while let batch = nextBatch() {
            let outcome = await shelf.append(batch)
            guard took(outcome, of: batch) else {
                // The disk is full, or worse: kept, and tried again.
                try? await Task.sleep(for: .seconds(Self.retrySeconds))
                continue
            }
        }
    }

    private static let retrySeconds = 5

    @inline(never)
    private func nextBatch() -> [AuditEvent]? {
        state.withLock { state in
            if state.lost > 0, state.waiting.count < Self.queueLimit {
                let detail = "\(state.lost) events found no room in the queue and are lost"
                state.waiting.append(
                    AuditEvent(
                        .audit, actor: "this node", subject: "audit.db", detail: detail, at: mesh_realtime_ns() / 1_000_000))
                state.lost = 0
            }
            guard !state.waiting.isEmpty else {
                state.isDraining = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// False: nothing of the batch was written, and it waits again.
    @inline(never)
    private func took(_ outcome: AuditShelf.Outcome, of batch: [AuditEvent]) -> Bool {
        switch outcome {
        case .written(let entries, let head, let notices):
            state.withLock { $0.head = head }
            for sink in sinks { sink.take(entries) }
            for notice in notices {
                log(notice)
                record(.audit, actor: "this node", subject: "audit.db", detail: notice)
            }
            return true
        case .failed(let error):
            log("the audit log cannot be written: \(error)")
            state.withLock { state in
                let room = max(0, Self.queueLimit - state.waiting.count)
                for event in batch.dropFirst(room) { state.lost += event.count }
                state.waiting.insert(contentsOf: batch.prefix(room), at: 0)
            }
            return false
        }
    }

    private var hasWork: Bool {
        @inline(never) get { state.withLock { !$0.waiting.isEmpty || $0.lost > 0 || $0.isDraining } }
    }

    // MARK: Counted refusals

    /// Sees that what was counted is told when its minute is over.
    private func tick() async {
        repeat {
            try? await Task.sleep(for: .milliseconds(RefusalCounter.windowMilliseconds + 100))
            settle(now: mesh_realtime_ns() / 1_000_000)
        } while keepsTicking
    }

    @inline(never)
    func settle(now: UInt64) {
        let drain: Bool = state.withLock { state in
            for event in state.refusals.settle(now: now) { Self.add(event, &state) }
            guard !state.waiting.isEmpty, !state.isDraining else { return false }
            state.isDraining = true
            return true
        }
        if drain { Task { await self.drain() } }
    }

    private var keepsTicking: Bool {
        @inline(never) get {
            state.withLock { state in
                state.isTicking = !state.refusals.isEmpty
                return state.isTicking
            }
        }
    }
}
