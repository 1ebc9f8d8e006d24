import CLinux
public import Gossip
import Synchronization
public import Transport

/// What a carrier holds, of all its loops: parked connections by node, and how many are joined.
public final class CarrierDesk: Sendable {
    public let settings: CarrierSettings
    private let parked = Mutex<[NodeID: [ParkedLink]]>([:])
    /// When a parked connection of a node was last handed to a caller, monotonic nanoseconds.
    private let taken = Mutex<[NodeID: UInt64]>([:])
    /// Splices under way by caller.
    private let splices = Mutex<[NodeID: Int]>([:])
    private let splicesEver = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)

    public init(_ settings: CarrierSettings = CarrierSettings()) { self.settings = settings }

    /// False past a limit.
    @inline(never)
    func park(_ link: ParkedLink) -> Bool {
        let isTaken = parked.withLock { table in
            let all = table.values.reduce(0) { $0 + $1.count }
            guard all < settings.parked, table[link.node]?.count ?? 0 < settings.parkedPerNode else { return false }
            table[link.node, default: []].append(link)
            return true
        }
        if !isTaken { refusals.increment() }
        return isTaken
    }

    @inline(never)
    func remove(_ link: ParkedLink) {
        parked.withLock { table in
            table[link.node]?.removeAll { $0 === link }
            if table[link.node]?.isEmpty ?? false { table[link.node] = nil }
        }
    }

    /// A raw connection to `node`: one of those it has parked here; nil when none is left that lives.
    public func take(_ node: NodeID) async -> OwnedSocket? {
        while let link = next(of: node) {
            if let socket = await link.claim() {
                noteTaken(node)
                return socket
            }
        }
        return nil
    }

    /// The same, but where the last that it had parked were taken just now it is given the time to park others: when another carrier of
    /// it dies, all its callers come here at once.
    func takeSoon(_ node: NodeID, on loop: Loop, isWanted: () -> Bool) async -> OwnedSocket? {
        let limit = loop.now &+ Self.patience
        let alarm = Alarm(loop: loop)
        while true {
            if let socket = await take(node) { return socket }
            guard wasTaken(node, since: loop.now &- 2 * Self.patience), loop.now < limit, isWanted() else { return nil }
            await alarm.sleep(nanoseconds: Self.lookEvery)
        }
    }

    /// What a node needs to park another connection over a long way: three round trips.
    private static let patience: UInt64 = 1_000_000_000
    private static let lookEvery: UInt64 = 10_000_000

    @inline(never)
    private func noteTaken(_ node: NodeID) {
        let now = mesh_monotonic_ns()
        taken.withLock { table in
            if table.count >= settings.parked { table = table.filter { $0.value &+ 2 * Self.patience > now } }
            table[node] = now
        }
    }

    @inline(never)
    private func wasTaken(_ node: NodeID, since: UInt64) -> Bool { taken.withLock { $0[node] ?? 0 } > since }

    /// The newest, which is the likeliest to live.
    @inline(never)
    private func next(of node: NodeID) -> ParkedLink? {
        parked.withLock { table in
            let link = table[node]?.popLast()
            if table[node]?.isEmpty ?? false { table[node] = nil }
            return link
        }
    }

    /// Counts a splice in; false past a limit.
    @inline(never)
    func beginSplice(for caller: NodeID) -> Bool {
        let isTaken = splices.withLock { table in
            let own = table[caller] ?? 0
            guard own < settings.splicesPerCaller, table.values.reduce(0, +) < settings.splices else { return false }
            table[caller] = own + 1
            return true
        }
        if isTaken { splicesEver.increment() } else { refusals.increment() }
        return isTaken
    }

    @inline(never)
    func endSplice(for caller: NodeID) {
        splices.withLock { table in
            let left = (table[caller] ?? 1) - 1
            table[caller] = left > 0 ? left : nil
        }
    }

    func carried(_ count: Int) { bytes.add(count, ordering: .relaxed) }
    func refuse() { refusals.increment() }

    /// What is held and has passed, for metrics and `doctor`.
    public struct Figures: Sendable {
        /// Parked connections by node, sorted.
        public var parked: [(node: NodeID, count: Int)]
        public var splices: Int
        public var splicesEver: Int
        public var bytes: Int
        public var refusals: Int
    }

    @inline(never)
    public func figures() -> Figures {
        let parked = parked.withLock { $0.map { (node: $0.key, count: $0.value.count) } }.sorted { $0.node < $1.node }
        return Figures(
            parked: parked, splices: splices.withLock { $0.values.reduce(0, +) },
            splicesEver: splicesEver.load(ordering: .relaxed),
            bytes: bytes.load(ordering: .relaxed), refusals: refusals.load(ordering: .relaxed))
    }
}
