import Gossip

/// When routing is given a new view: what people notice soon, loads no oftener than the size of the mesh bears.
///
/// A view is made anew as a whole. In a mesh of a thousand nodes some load changes a hundred times a second, and none of them is
/// worth a millisecond of work: a load that matters comes with each answer of its site anyway.
struct ViewPace: Equatable {
    /// How soon a change is to be seen, the later the greater.
    enum Need: Int, Comparable {
        case none
        /// Loads.
        case load
        /// Who is there and what they offer.
        case soon
        /// What this node itself has decided.
        case now

        static func < (a: Need, b: Need) -> Bool { a.rawValue < b.rawValue }
    }

    /// Between two views; nanoseconds.
    static let leastPause: UInt64 = 100_000_000
    /// Between two views for loads alone, for each node of the mesh; nanoseconds.
    static let loadPauseByNode: UInt64 = 1_000_000
    /// Nothing that a view says of when a node was heard is older than this, or than five times the pause between loads.
    static let longestPause: UInt64 = 5_000_000_000

    private(set) var need = Need.now
    private var madeAt: UInt64?

    mutating func note(_ need: Need) { self.need = max(self.need, need) }

    mutating func note(_ change: Change) {
        switch change {
        case .record(_, .load): note(.load)
        case .record, .nodeState, .forgotten: note(.soon)
        }
    }

    /// When a view is to be made, monotonic nanoseconds.
    func dueAt(nodes: Int) -> UInt64 {
        guard let madeAt else { return 0 }
        let loadPause = max(Self.leastPause, Self.loadPauseByNode * UInt64(nodes))
        switch need {
        case .now: return 0
        case .soon: return madeAt &+ Self.leastPause
        case .load: return madeAt &+ loadPause
        case .none: return madeAt &+ max(Self.longestPause, 5 * loadPause)
        }
    }

    mutating func made(at now: UInt64) {
        need = .none
        madeAt = now
    }
}
