import FoundationEssentials
import Testing

@testable import Storage

private func row(
    _ id: UInt64, at: UInt64 = 1_000_000, model: String = "m", sites: [String] = ["a"], reason: String? = "home",
    outcome: String = "answered", bytes: Int = 0
) -> ReceiptShelf.Row {
    let filler = String(repeating: "x", count: bytes)
    return ReceiptShelf.Row(
        id: id, requestID: "req_\(id)", at: at, model: model, sites: sites, reason: reason, outcome: outcome,
        json: #"{"id":\#(id),"filler":"\#(filler)","decision":{"steps":[1]}}"#)
}

private func started() throws -> StorageThread {
    let thread = StorageThread()
    try thread.start()
    return thread
}

private func ids(_ texts: [String]) -> [String] { texts.map { String($0.dropFirst(6).prefix { $0 != "," }) } }

@Suite struct ReceiptShelfTests {
    @Test func whatIsKeptIsThereAtTheNextStart() async throws {
        let folder = try Folder()
        let path = folder.path + "/receipts.db"
        let thread = try started()
        let first = try ReceiptShelf.open(path, thread: thread, now: 1_000_000)
        #expect(first.lastID == 0 && first.damagedFile == nil)
        try await first.shelf.keep([row(7), row(9)], now: 1_000_000)
        // What is there already stays as it is.
        try await first.shelf.keep([row(9, bytes: 100)], now: 1_000_000)
        let second = try ReceiptShelf.open(path, thread: thread, now: 1_000_000)
        #expect(second.lastID == 9)
        #expect(try await second.shelf.find(id: 9) == row(9).json)
        #expect(try await second.shelf.find(requestID: "req_7") == row(7).json)
        #expect(try await second.shelf.find(id: 8) == nil)
        #expect(try await second.shelf.find(id: .max) == nil)
        #expect(try await second.shelf.find(requestID: "req_70") == nil)
        #expect(folder.mode(path) == 0o600)
    }

    @Test func aListIsNewestFirstWithoutDecisions() async throws {
        let folder = try Folder()
        let shelf = try ReceiptShelf.open(folder.path + "/receipts.db", thread: try started(), now: 1_000_000).shelf
        try await shelf.keep((1...20).map { row($0) }, now: 1_000_000)
        let found = try await shelf.list(ReceiptShelf.Filter(), limit: 3)
        #expect(found == (18...20).reversed().map { #"{"id":\#($0),"filler":""}"# })
        #expect(try await shelf.list(ReceiptShelf.Filter(), limit: 0).isEmpty)
    }

    @Test func filters() async throws {
        let folder = try Folder()
        let shelf = try ReceiptShelf.open(folder.path + "/receipts.db", thread: try started(), now: 1_000_000).shelf
        try await shelf.keep(
            [
                row(1, at: 1000, model: "n"), row(2, at: 2000, sites: ["a", "b"], reason: "failover"),
                row(3, at: 3000, sites: [], reason: nil, outcome: "failed"), row(4, at: 4000, sites: ["ab", "south:a"]),
            ], now: 5000)
        func found(_ edit: (inout ReceiptShelf.Filter) -> Void) async throws -> [String] {
            var filter = ReceiptShelf.Filter()
            edit(&filter)
            return ids(try await shelf.list(filter, limit: 10))
        }
        #expect(try await found { $0.model = "n" } == ["1"])
        #expect(try await found { $0.site = "a" } == ["2", "1"])
        #expect(try await found { $0.site = "b" } == ["2"])
        #expect(try await found { $0.site = "south:a" } == ["4"])
        #expect(try await found { $0.reason = "failover" } == ["2"])
        #expect(try await found { $0.outcome = "failed" } == ["3"])
        #expect(try await found { $0.since = 3000 } == ["4", "3"])
        #expect(try await found { $0.below = 3 } == ["2", "1"])
        #expect(try await found { $0.since = .max } == [])
        #expect(try await found { $0.model = "m' OR '1'='1" } == [])
        #expect(
            try await found {
                $0.site = "a"
                $0.since = 1500
            } == ["2"])
    }

    @Test func itIsBoundedInNumberBytesAndDays() async throws {
        let folder = try Folder()
        let path = folder.path + "/receipts.db"
        let thread = try started()
        let day: UInt64 = 86_400_000
        let limits = ReceiptShelf.Limits(count: 100, bytes: 50_000, days: 10)
        let shelf = try ReceiptShelf.open(path, thread: thread, limits: limits, now: 20 * day).shelf
        func kept() async throws -> [String] { ids(try await shelf.list(ReceiptShelf.Filter(), limit: 1000)) }
        for piece in 0..<5 {
            try await shelf.keep((1...70).map { row(UInt64(piece) * 70 + $0, at: 20 * day) }, now: 20 * day)
        }
        #expect(try await kept() == (251...350).reversed().map { "\($0)" })
        // Large ones: fewer.
        for number in UInt64(351)...380 { try await shelf.keep([row(number, at: 21 * day, bytes: 4950)], now: 21 * day) }
        let large = try await kept()
        #expect(large.count == 50_000 / row(351, bytes: 4950).json.utf8.count && large.first == "380")
        try await shelf.keep([row(400, at: 25 * day)], now: 31 * day + 1)
        #expect(try await kept() == ["400"])
        // The count does not drift: there is room for as many as before.
        try await shelf.keep((401...700).map { row($0, at: 31 * day) }, now: 31 * day)
        #expect(try await kept().count == 100)
        // A limit that was lowered holds from the next start.
        let few = ReceiptShelf.Limits(count: 10, bytes: 50_000, days: 10)
        let second = try ReceiptShelf.open(path, thread: thread, limits: few, now: 31 * day)
        #expect(
            ids(try await second.shelf.list(ReceiptShelf.Filter(), limit: 100)) == (691...700).reversed().map { "\($0)" })
    }

    @Test func aDamagedFileIsSetAsideAndNamed() async throws {
        let folder = try Folder()
        let path = folder.path + "/receipts.db"
        try Data("this is no database, whatever its name says; long enough to be looked at".utf8).write(
            to: URL(filePath: path))
        let opened = try ReceiptShelf.open(path, thread: try started(), now: 77_000)
        #expect(opened.damagedFile == path + ".damaged-77" && opened.lastID == 0)
        try await opened.shelf.keep([row(1)], now: 1_000_000)
        #expect(try await opened.shelf.list(ReceiptShelf.Filter(), limit: 10).count == 1)
    }

    @Test func whatCannotBeWrittenIsWrittenInNoPart() async throws {
        let folder = try Folder()
        let path = folder.path + "/receipts.db"
        let thread = try started()
        let shelf = try ReceiptShelf.open(path, thread: thread, now: 1_000_000).shelf
        try await shelf.keep([row(1)], now: 1_000_000)
        // No more room than this: as on a full disk.
        try await shelf.stopGrowing()
        let many = (2...2000).map { row($0, bytes: 1000) }
        let error = await #expect(throws: StorageError.self) { try await shelf.keep(many, now: 1_000_000) }
        #expect(error?.code == .file)
        #expect(try await shelf.list(ReceiptShelf.Filter(), limit: 10).count == 1)
        try await shelf.keep([row(3)], now: 1_000_000)
        #expect(ids(try await shelf.list(ReceiptShelf.Filter(), limit: 10)) == ["3", "1"])
    }
}
