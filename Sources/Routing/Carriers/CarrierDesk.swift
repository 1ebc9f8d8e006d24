public import Gossip
import Synchronization
public import Transport

/// What a carrier holds, of all its loops: parked connections by node, and how many are joined.
public final class CarrierDesk: Sendable {
    public let settings: CarrierSettings
    private let parked = Mutex<[NodeID: [ParkedLink]]>([:])
    private let splicesNow = Atomic<Int>(0)
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
            if let socket = await link.claim() { return socket }
        }
        return nil
    }

    /// The newest, which is the likeliest to live.
    @inline(never)
    private func next(of node: NodeID) -> ParkedLink? {
        parked.withLock { table in
            let link = table[node]?.popLast()
            if table[node]?.isEmpty ?? false { table[node] = nil }
            return link
        }
    }

    /// Counts a splice in; false past the limit.
    func beginSplice() -> Bool {
        guard splicesNow.add(1, ordering: .relaxed).newValue <= settings.splices else {
            splicesNow.subtract(1, ordering: .relaxed)
            refusals.increment()
            return false
        }
        splicesEver.increment()
        return true
    }

    func endSplice() { splicesNow.subtract(1, ordering: .relaxed) }
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
            parked: parked, splices: splicesNow.load(ordering: .relaxed), splicesEver: splicesEver.load(ordering: .relaxed),
            bytes: bytes.load(ordering: .relaxed), refusals: refusals.load(ordering: .relaxed))
    }
}
