import Testing

@testable import Gossip

@Suite struct NodeTableTests {
    /// Whatever is done to it, lists and hashes are those of a table made anew from its entries.
    @Test(arguments: UInt64(1)...10)
    func listsAndHashesAreKeptTrue(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let me = node("me")
        var table = NodeTable(me: me.digestHash)
        let at = Instant(nanoseconds: 1)
        table.insert(NodeEntry(id: me, hash: me.digestHash, generation: 1, now: at))
        let names = (0..<40).map { node("s\($0)") }
        for step in 0..<2000 {
            let id = names[Int.random(in: 0..<names.count, using: &random)]
            let hash = id.digestHash
            switch (table[hash], Int.random(in: 0..<4, using: &random)) {
            case (nil, _):
                var entry = NodeEntry(id: id, hash: hash, generation: UInt64(step), now: at)
                entry.state = NodeState.allCases[Int.random(in: 0..<5, using: &random)]
                table.insert(entry)
            case (.some, 0): table.remove(hash)
            case (.some, 1):
                let state = NodeState.allCases[Int.random(in: 0..<5, using: &random)]
                table.update(hash) { $0.state = state }
            case (.some, 2): table.update(hash) { $0.dropRecords() }
            default:
                let kind = RecordKind.allCases[Int.random(in: 0..<3, using: &random)]
                let record = Record(
                    federation: "test", origin: id, version: Version(generation: 1, sequence: UInt64(step + 1)), issuedAt: 0,
                    body: .load(Load(models: [])))
                let token = [UInt8](repeating: 0, count: Int.random(in: 0..<50, using: &random))
                table.update(hash) { $0[kind] = SignedRecord(record: record, token: token) }
            }
            check(table, me: me.digestHash)
        }
    }

    private func check(_ table: NodeTable, me: UInt64) {
        let others = table.entries.filter { $0.hash != me }
        func names(_ slots: [Int]) -> Set<UInt64> { Set(slots.map { table.entries[$0].hash }) }
        #expect(names(table.live) == Set(others.filter(\.isLive).map(\.hash)))
        #expect(names(table.down) == Set(others.filter { $0.state == .unreachable || $0.state == .dead }.map(\.hash)))
        #expect(names(table.left) == Set(others.filter { $0.state == .left }.map(\.hash)))
        #expect(table.live.count + table.down.count + table.left.count == others.count)
        #expect(table.ring == others.filter(\.isLive).map(\.hash).sorted())
        #expect(Set(table.suspected) == Set(others.filter { $0.state == .suspect }.map(\.hash)))
        #expect(table.recordBytes == table.entries.reduce(0) { $0 + $1.recordBytes })
        var hashes = ViewHashes()
        for entry in table.entries where entry.isShared { hashes.add(entry.digest.fingerprint, of: entry.hash) }
        #expect(hashes.buckets == table.hashes.buckets && hashes.summary == table.hashes.summary)
        #expect(table.entries.allSatisfy { table[$0.hash]?.id == $0.id && table[$0.id]?.hash == $0.hash })
    }

    @Test func everyoneIsANeighbourOfSomeone() {
        var tables: [(hash: UInt64, table: NodeTable)] = []
        let ids = (0..<50).map { node("s\($0)") }
        for me in ids {
            var table = NodeTable(me: me.digestHash)
            for id in ids {
                table.insert(NodeEntry(id: id, hash: id.digestHash, generation: 1, now: Instant(nanoseconds: 1)))
            }
            tables.append((me.digestHash, table))
        }
        let neighbours = tables.map { $0.table.neighbours(of: $0.hash) }
        #expect(neighbours.allSatisfy { Set($0).count == 3 })
        // Once as the next, once as the one after that, once as the one before.
        for id in ids { #expect(neighbours.reduce(0) { $0 + $1.filter { $0 == id.digestHash }.count } == 3) }
        // One who is suspected is passed over.
        var table = tables[0].table
        let next = neighbours[0][0]
        table.update(next) { $0.state = .suspect }
        #expect(!table.neighbours(of: tables[0].hash).contains(next))
    }
}
