/// The peers that a node keeps to in a large mesh: its neighbours on the ring of names, so that everyone is some node's neighbour, and
/// others at random, of which one after the other gives way (after HyParView, Leitão and others 2007, and RingCast, Voulgaris and
/// van Steen 2007).
struct ActiveView: Sendable {
    /// The next two and the one before on the ring.
    private(set) var neighbours: [UInt64] = []
    /// The others, the oldest first.
    private(set) var others: [UInt64] = []
    private var rotatedAt: Instant?
    /// `NodeTable.liveChanges` when it was last drawn.
    private var drawnAt: UInt64?

    var members: [UInt64] { neighbours + others }

    var isEmpty: Bool { neighbours.isEmpty && others.isEmpty }

    func holds(_ hash: UInt64) -> Bool { neighbours.contains(hash) || others.contains(hash) }

    /// Brings the view up to date: whoever is gone or suspect is replaced, and the oldest in its time.
    ///
    /// - Parameter me: the hash of this node's name.
    mutating func refresh(
        _ table: NodeTable, me: UInt64, settings: Settings, now: Instant, random: inout SeededGenerator
    ) {
        let isDue = rotatedAt.map { now.seconds(since: $0) >= settings.rotationSeconds } ?? true
        guard isDue || drawnAt != table.liveChanges else { return }
        drawnAt = table.liveChanges
        neighbours = table.neighbours(of: me)
        others.removeAll { hash in neighbours.contains(hash) || table.state(of: hash) != .alive }
        let wanted = max(0, settings.activePeers - neighbours.count)
        if rotatedAt != nil {
            if isDue {
                rotatedAt = now
                if others.count >= wanted, !others.isEmpty { others.removeFirst() }
            }
        } else {
            // Not all nodes in step.
            rotatedAt = now.adding(seconds: -settings.rotationSeconds * random.unit())
        }
        var tries = 0
        while others.count < wanted, tries < wanted * 8, !table.live.isEmpty {
            tries += 1
            let slot = table.live[Int.random(in: 0..<table.live.count, using: &random)]
            let hash = table.entries[slot].hash
            guard table.entries[slot].state == .alive, !neighbours.contains(hash), !others.contains(hash) else { continue }
            others.append(hash)
        }
        if others.count > wanted { others.removeFirst(others.count - wanted) }
    }
}

extension NodeTable {
    /// The first two that are alive after a place on the ring, and the first before it.
    func neighbours(of hash: UInt64) -> [UInt64] {
        var found: [UInt64] = []
        let start = ringIndex(of: hash)
        for step in 0..<ring.count where found.count < 2 {
            let next = ring[(start + step) % ring.count]
            if next != hash, state(of: next) == .alive { found.append(next) }
        }
        for step in 1...max(ring.count, 1) where !ring.isEmpty {
            let before = ring[(start + 2 * ring.count - step) % ring.count]
            guard before != hash, !found.contains(before), state(of: before) == .alive else { continue }
            found.append(before)
            break
        }
        return found
    }
}
