/// Which ways between nodes are closed just now.
struct Wiring {
    /// The part of a split that each node is in; -1: of none, and so joined to all.
    private var parts: [Int32]
    /// From and to, in one number.
    private var cuts: Set<UInt64> = []
    private var isClogged: [Bool]
    private var clogged = 0
    private var isSplit = false

    init(nodes: Int) {
        parts = Array(repeating: -1, count: nodes)
        isClogged = Array(repeating: false, count: nodes)
    }

    /// A later split replaces an earlier one.
    mutating func split(_ groups: [[Int]]) {
        for node in parts.indices { parts[node] = -1 }
        for (part, group) in groups.enumerated() { for node in group { parts[node] = Int32(part) } }
        isSplit = true
    }

    mutating func cut(from: [Int], to: [Int]) {
        for a in from { for b in to where a != b { cuts.insert(Wiring.key(a, b)) } }
    }

    mutating func clog(_ group: [Int], _ isOn: Bool) {
        for node in group where isClogged[node] != isOn {
            isClogged[node] = isOn
            clogged += isOn ? 1 : -1
        }
    }

    mutating func heal() { self = Wiring(nodes: parts.count) }

    /// Whether what is sent can arrive, as a request or as the answer to one.
    func isOpen(_ from: Int, _ to: Int) -> Bool {
        if clogged > 0, isClogged[from] || isClogged[to] { return false }
        return !isSplit || parts[from] < 0 || parts[to] < 0 || parts[from] == parts[to]
    }

    /// Whether `from` can ask and be answered.
    func canAsk(_ from: Int, _ to: Int) -> Bool {
        isOpen(from, to) && (cuts.isEmpty || !cuts.contains(Wiring.key(from, to)))
    }

    private static func key(_ from: Int, _ to: Int) -> UInt64 { UInt64(from) << 32 | UInt64(to) }
}
