import FoundationEssentials
import Testing

/// Everything that fuzzing found worth keeping, once more: what crashed once must not again.
@Suite struct CorpusTests {
    static let folder = String(#filePath.dropLast("Globus/Wire/CorpusTests.swift".count)) + "Fuzz/corpus/"

    @Test(arguments: FuzzTarget.allCases)
    func corpus(target: FuzzTarget) throws {
        let folder = Self.folder + target.rawValue
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(files.count > 5)
        for file in files { target.run(Array(try Data(contentsOf: URL(filePath: folder + "/" + file)))) }
    }
}
