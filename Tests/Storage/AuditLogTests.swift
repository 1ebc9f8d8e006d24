import FoundationEssentials
import Synchronization
import Testing
import Trust

@testable import Storage

/// One thread for the databases of all these tests, as a node has one.
private let thread: StorageThread = {
    let thread = StorageThread()
    try? thread.start()
    return thread
}()

/// Keeps what a log says and what it wrote.
private final class Listener: AuditSink {
    private let state = Mutex<(entries: [AuditEntry], said: [String])>(([], []))
    func take(_ entries: [AuditEntry]) { state.withLock { $0.entries += entries } }
    func say(_ text: String) { state.withLock { $0.said.append(text) } }
    var entries: [AuditEntry] { state.withLock { $0.entries } }
    var said: [String] { state.withLock { $0.said } }
}

private func open(
    _ folder: Folder, node: String = "a1", settings: AuditSettings = AuditSettings(), _ listener: Listener = Listener()
) throws(StorageError) -> AuditLog {
    try AuditLog(
        directory: folder.path, federation: "tests", site: "alpha", node: node, settings: settings, thread: thread,
        sinks: [listener], log: listener.say)
}

private func check(_ folder: Folder, _ witnessed: [ChainHead] = []) throws -> AuditVerification {
    try AuditVerification.check(directory: folder.path, witnessed: witnessed)
}

/// Why SQLite does not run a statement; nil if it does.
private func refusal(of sql: String, _ folder: Folder) -> String? {
    do throws(StorageError) {
        try Database(path: "\(folder.path)/\(AuditFile.name)", creates: false).execute(sql)
        return nil
    } catch { return error.message }
}

/// Changes a file behind the log's back, as somebody with the file could.
private func alter(_ folder: Folder, _ sql: String, file: String = AuditFile.name) throws {
    let path = "\(folder.path)/\(file)"
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    let database = try Database(path: path, creates: false)
    for name in ["entries_are_not_changed", "entries_are_not_deleted", "chain_is_not_changed", "entries_follow_each_other"] {
        try database.execute("DROP TRIGGER IF EXISTS \(name)")
    }
    try database.execute(sql)
}

@Test func eachEntryHangsOnTheOneBefore() async throws {
    let folder = try Folder()
    let listener = Listener()
    let log = try open(folder, listener)
    for index in 1...20 { log.record(.operator, actor: "ops", subject: "node", detail: "step \(index)") }
    await log.flush()
    let entries = try await log.entries(after: 0, limit: 100)
    #expect(entries.map(\.sequence) == Array(1...21))
    #expect(entries.first?.detail == "the audit log begins")
    #expect(entries == listener.entries)
    var previous = AuditChain.genesis(federation: "tests", site: "alpha", node: "a1")
    for entry in entries {
        #expect(entry.hash == AuditChain.hash(of: entry, after: previous))
        previous = entry.hash
    }
    #expect(log.head == ChainHead(sequence: 21, hash: previous))
    let report = try check(folder, [log.head])
    #expect(report.fault == nil && report.head == log.head)
}

@Test func aHashIsAsTheDocumentSays() {
    // Computed by an independent program: see docs/audit.md.
    let genesis = AuditChain.genesis(federation: "tests", site: "alpha", node: "a1")
    #expect(genesis.hex == "7f4c7c801990491091c19e911ca4849a8b7324736ea081f40a4d6275619ac677")
    var event = AuditEvent(.block, actor: "ops", subject: "user bob", detail: "left", at: 1_700_000_000_123)
    event.count = 2
    #expect(
        AuditEntry(event, sequence: 7, after: genesis).hash.hex
            == "1bcc7a9f02f0aeda027c864d65b604003305fae7703129cc6beb02d9d2b7f63d")
}

@Test func theChainGoesOnAfterARestart() async throws {
    let folder = try Folder()
    var heads: [ChainHead] = []
    for index in 0..<3 {
        let log = try open(folder)
        log.record(.operator, actor: "ops", detail: "start \(index)")
        await log.flush()
        heads.append(log.head)
    }
    #expect(heads.map(\.sequence) == [2, 3, 4])
    #expect(try check(folder, heads).fault == nil)
}

@Test func nothingCanBeChangedThroughSQL() async throws {
    let folder = try Folder()
    let log = try open(folder)
    log.record(.operator, actor: "ops", detail: "one")
    await log.flush()
    for sql in [
        "UPDATE entries SET actor = 'x'", "DELETE FROM entries WHERE sequence = 2", "UPDATE chain SET site = 'x'",
        "DELETE FROM chain", "INSERT INTO entries VALUES (2, 1, 1, 1, 'x', 'x', 'x', 'x', 'x')",
        "INSERT OR REPLACE INTO entries VALUES (2, 1, 1, 1, 'x', 'x', 'x', 'x', 'x')",
        "INSERT INTO entries VALUES (9, 1, 1, 1, 'x', 'x', 'x', 'x', 'x')",
    ] {
        let message = refusal(of: sql, folder)
        #expect(message?.contains("append-only") == true, "\(sql): \(message ?? "allowed")")
    }
    #expect(try check(folder, [log.head]).fault == nil)
}

@Test(
    arguments: [
        ("UPDATE entries SET detail = 'nothing' WHERE sequence = 5", 5, "not as it was written"),
        ("UPDATE entries SET at = at + 1 WHERE sequence = 1", 1, "not as it was written"),
        ("DELETE FROM entries WHERE sequence = 6", 6, "missing"),
        ("DELETE FROM entries WHERE sequence > 7", 8, "cut"),
        ("DELETE FROM entries", 1, "cut"),
        ("UPDATE chain SET hash = '" + String(repeating: "0", count: 64) + "'", 1, "begin"),
    ] as [(String, UInt64, String)])
func whatIsAlteredIsFound(_ sql: String, _ sequence: UInt64, _ words: String) async throws {
    let folder = try Folder()
    let log = try open(folder)
    for index in 1...9 { log.record(.policy, actor: "ops", detail: "\(index)") }
    await log.flush()
    let head = log.head
    try alter(folder, sql)
    let fault = try #require(try check(folder, [head]).fault)
    #expect(fault.sequence == sequence)
    #expect(fault.message.contains(words), "\(fault.message)")
}

@Test func aLogWrittenAnewIsFoundByItsWitnesses() async throws {
    let folder = try Folder()
    let log = try open(folder)
    for index in 1...9 { log.record(.policy, actor: "ops", detail: "\(index)") }
    await log.flush()
    let entries = try await log.entries(after: 0, limit: 100)
    let witnessed = entries.filter { [4, 10].contains($0.sequence) }.map { ChainHead(sequence: $0.sequence, hash: $0.hash) }
    // Somebody who knows how hashes are made leaves out what was number 3.
    var previous = AuditChain.genesis(federation: "tests", site: "alpha", node: "a1")
    var forged: [AuditEntry] = []
    for entry in entries where entry.sequence != 3 {
        var event = AuditEvent(.policy, actor: entry.actor, subject: entry.subject, detail: entry.detail, at: entry.at)
        event.kind = AuditKind(rawValue: entry.kind) ?? .audit
        forged.append(AuditEntry(event, sequence: UInt64(forged.count + 1), after: previous))
        previous = forged.last?.hash ?? previous
    }
    try alter(folder, "DELETE FROM entries")
    try AuditFile.insert(forged, try Database(path: "\(folder.path)/\(AuditFile.name)", creates: false))
    #expect(try check(folder).fault == nil, "by itself it is without a fault")
    let fault = try #require(try check(folder, witnessed).fault)
    #expect(fault.sequence == 4 && fault.message.contains("witnessed"))
    #expect(try check(folder, [witnessed[1]]).fault?.message.contains("cut") == true)
}

@Test func fullFilesAreSetAsideAndTheChainGoesOn() async throws {
    let folder = try Folder()
    var settings = AuditSettings()
    settings.entriesInFile = 10
    settings.filesKept = 3
    let listener = Listener()
    let log = try open(folder, settings: settings, listener)
    log.witness(site: "beta", node: "b1", head: ChainHead(sequence: 3, hash: SHA256Digest.zero))
    for index in 1...95 {
        log.record(.policy, actor: "ops", detail: "\(index)")
        await log.flush()
    }
    let files = folder.names.filter { $0.hasPrefix("audit-") }
    #expect(files.count == 3)
    #expect(listener.entries.map(\.sequence) == Array(1...UInt64(listener.entries.count)))
    #expect(listener.entries.contains { $0.kind == "audit" && $0.detail.contains("removed") })
    let oldest = try #require(AuditArchive.list(folder.path).first)
    #expect(try await log.entries(after: 0, limit: 1).first?.sequence == oldest.first)
    let all = try await log.entries(after: 0, limit: 1000)
    #expect(all.map(\.sequence) == Array(oldest.first...log.head.sequence))
    #expect(try await log.witnesses(site: "beta", node: nil).count == 1, "witnesses go along")
    let report = try check(folder, [log.head])
    #expect(report.fault == nil && report.start.sequence == oldest.first - 1)
    // And again after a start.
    let next = try open(folder, settings: settings)
    #expect(next.head == log.head)
    // A file between is altered.
    let path = AuditArchive.list(folder.path)[1].path
    try alter(
        folder, "UPDATE entries SET actor = 'x' WHERE sequence % 10 = 5", file: String(path.split(separator: "/").last ?? "")
    )
    #expect(try check(folder).fault?.message.contains("not as it was written") == true)
    try FileManager.default.removeItem(atPath: path)
    #expect(try check(folder).fault?.message.contains("does not go on") == true)
}

@Test func aChangeOfFilesThatWasInterruptedIsCarriedOn() async throws {
    let folder = try Folder()
    do {
        let log = try open(folder)
        for index in 1...4 { log.record(.policy, actor: "ops", detail: "\(index)") }
        await log.flush()
    }
    // After the old file was set aside, and before the new one took its place.
    let database = try Database(path: "\(folder.path)/\(AuditFile.name)", creates: false)
    try database.execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE")
    try FileManager.default.moveItem(
        atPath: "\(folder.path)/\(AuditFile.name)", toPath: AuditArchive.path(folder.path, first: 1, last: 5))
    let log = try open(folder)
    log.record(.policy, actor: "ops", detail: "after")
    await log.flush()
    #expect(log.head.sequence == 7)
    #expect(try check(folder).fault == nil)
}

@Test func aDamagedLogIsSetAsideAndSaidSo() async throws {
    let folder = try Folder()
    do {
        let log = try open(folder)
        log.record(.policy, actor: "ops")
        await log.flush()
    }
    try Data(repeating: 7, count: 8192).write(to: URL(filePath: "\(folder.path)/\(AuditFile.name)"))
    let listener = Listener()
    let log = try open(folder, listener)
    await log.flush()
    #expect(listener.said.contains { $0.contains("damaged") })
    #expect(listener.entries.first?.detail.contains("damaged") == true)
}

@Test func theLogOfAnotherNodeIsNotTakenOver() async throws {
    let folder = try Folder()
    _ = try open(folder)
    do throws(StorageError) {
        _ = try open(folder, node: "a2")
        Issue.record("it was opened")
    } catch { #expect(error.message.contains("alpha/a1")) }
}

@Test func whatFindsNoRoomIsCounted() async throws {
    let folder = try Folder()
    let listener = Listener()
    let log = try open(folder, listener)
    // The storage's thread is held, so that nothing is written meanwhile.
    let gate = DispatchGate()
    let holder = Holder(thread: thread)
    let held = Task { await holder.hold(gate) }
    gate.waitUntilHeld()
    for index in 0..<(AuditLog.queueLimit * 3) { log.record(.policy, actor: "ops", detail: "\(index)") }
    gate.open()
    await held.value
    await log.flush()
    let written = listener.entries.filter { $0.kind == "policy" }.count
    let lost = listener.entries.filter { $0.kind == "audit" && $0.detail.contains("are lost") }
        .compactMap { UInt64($0.detail.split(separator: " ")[0]) }.reduce(0, +)
    #expect(lost > 0)
    #expect(UInt64(written) + lost == UInt64(AuditLog.queueLimit * 3))
    #expect(try check(folder).fault == nil)
}

@Test func whatLooksLikeASecretIsLeftOut() async throws {
    let folder = try Folder()
    let listener = Listener()
    let log = try open(folder, listener)
    log.record(
        .operator, actor: "a\nb\u{1b}[31m", subject: "mk_alpha_0123456789ab_verysecretindeed",
        detail: "shown eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl and " + String(repeating: "é", count: 2000))
    await log.flush()
    let entry = try #require(listener.entries.last)
    #expect(entry.actor == "a b [31m")
    #expect(entry.subject == "mk_alpha_0123456789ab_(hidden)")
    #expect(entry.detail.hasPrefix("shown (hidden) and éé") && entry.detail.hasSuffix("…"))
    #expect(entry.detail.utf8.count <= AuditText.detailBytes)
}
