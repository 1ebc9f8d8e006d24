import Testing
import Trust

@testable import Storage

private func witness(_ sequence: UInt64, _ mark: Character = "0", at: UInt64 = 0) -> AuditWitness {
    let hash = SHA256Digest(hex: String(repeating: mark, count: 64)) ?? .zero
    return AuditWitness(site: "beta", node: "b1", head: ChainHead(sequence: sequence, hash: hash), heardAt: at)
}

@Test(
    arguments: [
        (witness(5), nil), (witness(9), nil), (witness(3), "cut or set back"), (witness(5, "f"), "written anew"),
    ] as [(AuditWitness, String?)])
func whatANodeSaysOfItsLogMustFitWhatItSaidBefore(_ told: AuditWitness, _ words: String?) {
    let found = told.contradiction(to: [witness(2), witness(5)])
    if let words { #expect(found?.contains(words) == true) } else { #expect(found == nil) }
}

@Test func oldWitnessesGrowSparse() {
    var kept: [AuditWitness] = []
    for sequence in 1...20_000 {
        kept.append(witness(UInt64(sequence)))
        if kept.count > AuditWitness.keptOfNode { kept.remove(at: AuditWitness.leastMissed(kept)) }
    }
    let sequences = kept.map(\.head.sequence)
    #expect(sequences.count == AuditWitness.keptOfNode)
    #expect(sequences.first == 1 && sequences.last == 20_000)
    #expect(sequences.filter { $0 < 10_000 }.count > 8, "\(sequences)")
    #expect(sequences.filter { $0 > 19_900 }.count > 40, "\(sequences)")
}

@Test func manyHeadsOfOneEntryAreBounded() {
    let kept = (0..<10).map { witness(5, Character("\($0)")) }
    #expect(AuditWitness.leastMissed(kept) == 1)
    // Two words on one entry are evidence: another goes first.
    let told = [witness(1), witness(2), witness(2, "f"), witness(3), witness(4), witness(5)]
    #expect(told[AuditWitness.leastMissed(told)].head.sequence != 2)
}

@Test func aDatabaseKeepsNoMoreThanItShould() throws {
    let folder = try Folder()
    let database = try DatabaseFile.open(folder.file, migrations: AuditFile.migrations, nowSeconds: 1)
    for sequence in 1...3 { try witness(UInt64(sequence)).insert(database) }
    try witness(2).delete(database)
    #expect(try AuditWitness.all(database).map(\.head.sequence) == [1, 3])
    #expect(try AuditWitness.all(database, limit: 1).map(\.head.sequence) == [1])
}

@Test func aHeadIsTakenOnceASecond() {
    var heads = WitnessedHeads()
    let told = [witness(1, at: 1000), witness(1, at: 9000), witness(2, at: 1500), witness(2, at: 2000)]
    #expect(told.map { heads.takes($0) } == [true, false, false, true])
}
