import API
import FoundationEssentials
import Storage
import Testing
import Trust

@testable import MeshNode

@Test func theAuditLogTellsWhatChangedOfThePolicySinceTheLastStart() async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/marks-\(UInt64.random(in: 0 ... .max))"
    try SecretFile.makeDirectory(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let thread = StorageThread()
    try thread.start()
    let audit = try AuditLog(directory: folder, federation: "t", site: "a", node: "a1", thread: thread)
    var configuration = NodeConfigurationFileTests.full
    configuration.stateDirectory = folder
    let log = Logger(level: .error, json: false, source: "t")
    // The first start has nothing to compare with, the second nothing to tell.
    for _ in 0..<2 { PolicyMarks.note(configuration, audit, log) }
    await audit.flush()
    let before = audit.head.sequence
    configuration.models[0].data.highAssurance = true
    configuration.models.removeLast()
    configuration.access.vouching = ["beta": []]
    PolicyMarks.note(configuration, audit, log)
    PolicyMarks.note(configuration, audit, log)
    await audit.flush()
    #expect(audit.head.sequence == before + 1)
    let text = String(decoding: try SecretFile.read(folder + "/policy"), as: UTF8.self)
    #expect(text.contains(" access\n") && !text.contains("beta"))
}
