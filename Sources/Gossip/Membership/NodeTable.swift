/// All nodes known, this one among them: found by the hash of their names, listed by state, and summed up in hashes that are kept true
/// with each change, so that a round costs the same with ten nodes and with four thousand.
///
/// Every change of an entry goes through `update`. Its order depends on nothing but the order of the changes.
struct NodeTable: Sendable {
    private(set) var entries: [NodeEntry] = []
    /// What is held of each, by slot: comparing looks at all of them, and the entries are large.
    private(set) var digests: [DigestEntry] = []
    /// The part of each in the hashes of what is shared, by slot; 0 while it has none.
    private var contributions: [UInt64] = []
    private var slots = HashIndex()
    private let me: UInt64

    /// Slots of other nodes that are alive or suspect, unreachable or dead, and left: in no order that means anything.
    private(set) var live: [Int] = []
    private(set) var down: [Int] = []
    private(set) var left: [Int] = []
    /// Hashes of those that are suspect, in the order in which they became so.
    private(set) var suspected: [UInt64] = []
    /// Hashes of those that are alive or suspect, sorted: the ring of names.
    private(set) var ring: [UInt64] = []

    /// Rises with each change of who is alive.
    private(set) var liveChanges: UInt64 = 0
    private(set) var hashes = ViewHashes()
    /// The last changes of what is shared, the newest last.
    private var changes: [HashChange] = []
    /// Bytes of all tokens held.
    private(set) var recordBytes = 0

    init(me: UInt64) { self.me = me }

    var count: Int { entries.count }

    subscript(hash: UInt64) -> NodeEntry? { slots[hash].map { entries[$0] } }
    subscript(id: NodeID) -> NodeEntry? {
        guard let slot = slots[id.digestHash], entries[slot].id == id else { return nil }
        return entries[slot]
    }

    func contains(_ hash: UInt64) -> Bool { slots[hash] != nil }

    /// Where an entry stands just now: for looking at parts of it in place, without a copy of all of it.
    func slot(of hash: UInt64) -> Int? { slots[hash] }

    func state(of hash: UInt64) -> NodeState? { slots[hash].map { entries[$0].state } }

    func isLive(_ hash: UInt64) -> Bool { slots[hash].map { entries[$0].isLive } ?? false }

    func digest(of hash: UInt64) -> DigestEntry? { slots[hash].map { digests[$0] } }

    /// Whether the node in this slot counts in the hashes, and is passed on.
    func isShared(_ slot: Int) -> Bool { contributions[slot] != 0 }

    /// Where a node is reached; nil if its identity is not known.
    func contact(of hash: UInt64) -> Contact? {
        guard let slot = slots[hash], let address = entries[slot].identityRecord?.mesh else { return nil }
        return Contact(node: entries[slot].id, address: address)
    }

    /// The slots of all entries by name.
    var byName: [Int] { entries.indices.sorted { entries[$0].id < entries[$1].id } }

    // MARK: - Changes

    mutating func insert(_ entry: NodeEntry) {
        precondition(slots[entry.hash] == nil, "a node is inserted once")
        slots[entry.hash] = entries.count
        entries.append(entry)
        digests.append(DigestEntry(origin: entry.hash))
        contributions.append(0)
        recordBytes += entry.recordBytes
        enlist(entries.count - 1)
        rehash(entries.count - 1)
    }

    mutating func remove(_ hash: UInt64) {
        guard let slot = slots[hash] else { return }
        delist(slot, from: entries[slot].state)
        withdraw(slot)
        recordBytes -= entries[slot].recordBytes
        slots[hash] = nil
        let last = entries.count - 1
        if slot != last {
            entries[slot] = entries[last]
            digests[slot] = digests[last]
            contributions[slot] = contributions[last]
            slots[entries[slot].hash] = slot
            relocate(slot)
        }
        entries.removeLast()
        digests.removeLast()
        contributions.removeLast()
    }

    /// Changes one entry in place; nothing if there is none.
    mutating func update(_ hash: UInt64, _ change: (inout NodeEntry) -> Void) {
        guard let slot = slots[hash] else { return }
        let state = entries[slot].state
        let bytes = entries[slot].recordBytes
        change(&entries[slot])
        recordBytes += entries[slot].recordBytes - bytes
        if entries[slot].state != state {
            delist(slot, from: state)
            enlist(slot)
        }
        rehash(slot)
    }

    /// As `update`, for what neither state nor records depend on.
    mutating func touch(_ hash: UInt64, _ change: (inout NodeEntry) -> Void) {
        guard let slot = slots[hash] else { return }
        change(&entries[slot])
    }

    // MARK: - Hashes

    private mutating func rehash(_ slot: Int) {
        digests[slot] = entries[slot].digest
        let contribution = entries[slot].isShared ? digests[slot].fingerprint : 0
        guard contribution != contributions[slot] else { return }
        if changes.count == NodeTable.changesKept { changes.removeFirst() }
        changes.append(
            HashChange(hash: entries[slot].hash, difference: contribution ^ contributions[slot]))
        withdraw(slot)
        contributions[slot] = contribution
        guard contribution != 0 else { return }
        hashes.add(contribution, of: entries[slot].hash)
    }

    /// The nodes whose last changes are all that lies between another's hash and ours; nil if something else does.
    func changes(since total: UInt64) -> [UInt64]? {
        for chosen in 1..<max(1 << changes.count, 2) {
            var before = hashes.total
            var found: [UInt64] = []
            for (index, change) in changes.enumerated() where chosen & (1 << index) != 0 {
                before ^= change.difference
                if !found.contains(change.hash) { found.append(change.hash) }
            }
            if before == total, !found.isEmpty { return found }
        }
        return nil
    }

    private static let changesKept = 4

    private mutating func withdraw(_ slot: Int) {
        guard contributions[slot] != 0 else { return }
        hashes.remove(contributions[slot], of: entries[slot].hash)
        contributions[slot] = 0
    }

    // MARK: - Lists

    private mutating func enlist(_ slot: Int) {
        let entry = entries[slot]
        guard entry.hash != me else { return }
        if entry.isLive { liveChanges += 1 }
        switch entry.state {
        case .alive, .suspect:
            entries[slot].place = live.count
            live.append(slot)
            ring.insert(entry.hash, at: ringIndex(of: entry.hash))
            if entry.state == .suspect { suspected.append(entry.hash) }
        case .unreachable, .dead:
            entries[slot].place = down.count
            down.append(slot)
        case .left:
            entries[slot].place = left.count
            left.append(slot)
        }
    }

    private mutating func delist(_ slot: Int, from state: NodeState) {
        let hash = entries[slot].hash
        guard hash != me else { return }
        if state == .alive || state == .suspect { liveChanges += 1 }
        let place = entries[slot].place
        switch state {
        case .alive, .suspect:
            live.swapRemove(at: place)
            if place < live.count { entries[live[place]].place = place }
            let index = ringIndex(of: hash)
            if index < ring.count, ring[index] == hash { ring.remove(at: index) }
            if state == .suspect { suspected.removeAll { $0 == hash } }
        case .unreachable, .dead:
            down.swapRemove(at: place)
            if place < down.count { entries[down[place]].place = place }
        case .left:
            left.swapRemove(at: place)
            if place < left.count { entries[left[place]].place = place }
        }
        entries[slot].place = -1
    }

    /// The entry that was last stands at `slot` now.
    private mutating func relocate(_ slot: Int) {
        let entry = entries[slot]
        guard entry.hash != me else { return }
        switch entry.state {
        case .alive, .suspect: live[entry.place] = slot
        case .unreachable, .dead: down[entry.place] = slot
        case .left: left[entry.place] = slot
        }
    }

    /// Where a hash stands on the ring, or would.
    func ringIndex(of hash: UInt64) -> Int {
        var low = 0
        var high = ring.count
        while low < high {
            let middle = (low + high) / 2
            if ring[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// How one change of one node has changed the hash of all.
private struct HashChange: Sendable {
    let hash: UInt64
    let difference: UInt64
}

extension Array {
    /// Removes an element by putting the last in its place.
    fileprivate mutating func swapRemove(at index: Int) {
        self[index] = self[count - 1]
        removeLast()
    }
}

/// Hashes of all that is shared, by bucket.
struct ViewHashes: Sendable {
    private(set) var buckets = [UInt64](repeating: 0, count: 64)
    private(set) var total: UInt64 = 0
    private(set) var nodes: UInt32 = 0

    var summary: Summary { Summary(hash: total, nodes: nodes) }

    mutating func add(_ contribution: UInt64, of origin: UInt64) {
        buckets[origin.bucket] ^= contribution
        total ^= contribution
        nodes += 1
    }

    mutating func remove(_ contribution: UInt64, of origin: UInt64) {
        buckets[origin.bucket] ^= contribution
        total ^= contribution
        nodes -= 1
    }
}
