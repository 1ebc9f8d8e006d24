import Gossip

/// Whether all views are equal and right, kept up to date change by change: each view has a hash, and each hash a count.
struct Convergence {
    let withLoad: Bool
    private(set) var voters: [Bool]
    private(set) var voterCount = 0
    /// Nodes that are there to be counted on: the voters, and those whose views are not asked for.
    private(set) var isPresent: [Bool]
    private var presentCount = 0
    /// Hash of what each node shows.
    private var shown: [UInt64]
    /// How many it counts on, itself among them.
    private var alive: [Int]
    /// The hash under which each voter is counted.
    private var counted: [UInt64?]
    private var counts: [UInt64: Int] = [:]
    private(set) var holds = false
    /// The last moment at which it held.
    private(set) var heldAt: UInt64?

    init(nodes: Int, withLoad: Bool) {
        self.withLoad = withLoad
        voters = Array(repeating: false, count: nodes)
        isPresent = voters
        shown = Array(repeating: 0, count: nodes)
        alive = Array(repeating: 0, count: nodes)
        counted = Array(repeating: nil, count: nodes)
    }

    mutating func note(_ observer: Int, _ origin: Int, _ old: Sight, _ new: Sight) {
        shown[observer] ^= old.fingerprint(of: origin, withLoad: withLoad) ^ new.fingerprint(of: origin, withLoad: withLoad)
        alive[observer] += (new.isAlive ? 1 : 0) - (old.isAlive ? 1 : 0)
    }

    mutating func settle(_ observer: Int, at now: UInt64) {
        if voters[observer], counted[observer] != shown[observer] {
            count(observer, as: shown[observer])
        }
        look(at: now)
    }

    mutating func set(_ node: Int, isVoter: Bool, isPresent: Bool, at now: UInt64) {
        if self.isPresent[node] != isPresent {
            self.isPresent[node] = isPresent
            presentCount += isPresent ? 1 : -1
        }
        if voters[node] != isVoter {
            voters[node] = isVoter
            voterCount += isVoter ? 1 : -1
            count(node, as: isVoter ? shown[node] : nil)
        }
        look(at: now)
    }

    mutating func clear(_ observer: Int, at now: UInt64) {
        shown[observer] = 0
        alive[observer] = 0
        settle(observer, at: now)
    }

    /// How many different views there are.
    var differentViews: Int { counts.count }

    private mutating func count(_ node: Int, as hash: UInt64?) {
        if let old = counted[node], let many = counts[old] { counts[old] = many > 1 ? many - 1 : nil }
        if let hash { counts[hash, default: 0] += 1 }
        counted[node] = hash
    }

    /// Equal is not enough: a mesh that is split in equal ruins is not whole.
    private mutating func look(at now: UInt64) {
        let before = holds
        holds = counts.count == 1 && (voters.firstIndex(of: true).map { alive[$0] == presentCount } ?? false)
        if holds || before { heldAt = now }
    }
}
