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

@Test func oldWitnessesGrowSparse() throws {
    let folder = try Folder()
    let database = try DatabaseFile.open(folder.file, migrations: AuditFile.migrations, nowSeconds: 1)
    for sequence in 1...2000 {
        try witness(UInt64(sequence)).insert(database)
        let count = try AuditWitness.all(database).count
        try AuditWitness.thin(count, site: "beta", node: "b1", database)
    }
    let kept = try AuditWitness.all(database).map(\.head.sequence)
    #expect(kept.count <= AuditWitness.keptOfNode)
    #expect(kept.first == 1 && kept.last == 2000)
    #expect(kept.filter { $0 < 1000 }.count > 5)
}

@Test func aHeadIsTakenOnceASecond() {
    var heads = WitnessedHeads()
    let told = [witness(1, at: 1000), witness(1, at: 9000), witness(2, at: 1500), witness(2, at: 2000)]
    #expect(told.map { heads.takes($0) } == [true, false, false, true])
}
