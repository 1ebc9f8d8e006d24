import FoundationEssentials
import Storage
import Testing

private func node(
    _ name: String, _ state: String = "alive", heardAt: Int64 = 1000, address: String? = nil
) -> MeshMemory.Node {
    MeshMemory.Node(
        site: name, node: "n1", address: address ?? "\(name).example.org:8201", generation: 7, state: state, heardAt: heardAt
    )
}

private func started() throws -> StorageThread {
    let thread = StorageThread()
    try thread.start()
    return thread
}

@Suite struct MeshMemoryTests {
    @Test func whatIsKeptIsThereAtTheNextStart() async throws {
        let folder = try Folder()
        let path = folder.path + "/mesh.db"
        let thread = try started()
        let first = try MeshMemory.open(path, thread: thread, now: 1000)
        #expect(first.nodes.isEmpty && first.damagedFile == nil)
        try await first.memory.keep([node("beta"), node("alpha")], now: 1000)
        try await first.memory.keep([node("beta", "unreachable", heardAt: 1030, address: "10.0.0.9:1")], now: 1030)
        let second = try MeshMemory.open(path, thread: thread, now: 1100)
        // Those alive come first, however long ago they were heard of.
        #expect(second.nodes == [node("alpha"), node("beta", "unreachable", heardAt: 1030, address: "10.0.0.9:1")])
        #expect(folder.mode(path) == 0o600)
    }

    @Test func itIsBoundedInNumberAndTime() async throws {
        let folder = try Folder()
        let path = folder.path + "/mesh.db"
        let opened = try MeshMemory.open(path, thread: try started(), now: 0)
        let many = (0..<(MeshMemory.nodesKept + 100)).map { node("site-\($0)", heardAt: Int64($0)) }
        try await opened.memory.keep(many, now: 2000)
        let kept = try await opened.memory.nodes()
        #expect(kept.count == MeshMemory.nodesKept)
        #expect(kept.first == many.last)
        try await opened.memory.keep([], now: 1200 + MeshMemory.keptSeconds)
        #expect(try await opened.memory.nodes().isEmpty)
    }

    @Test func aDamagedFileIsSetAsideAndNamed() async throws {
        let folder = try Folder()
        let path = folder.path + "/mesh.db"
        try Data("this is no database, whatever its name says; long enough to be looked at".utf8).write(
            to: URL(filePath: path))
        let opened = try MeshMemory.open(path, thread: try started(), now: 77)
        #expect(opened.damagedFile == path + ".damaged-77")
        #expect(opened.nodes.isEmpty)
        try await opened.memory.keep([node("alpha")], now: 78)
        #expect(try await opened.memory.nodes().count == 1)
    }

    @Test func aDirectoryInItsPlaceIsSaid() throws {
        let folder = try Folder()
        let path = folder.path + "/mesh.db"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let thread = try started()
        #expect(throws: StorageError.self) { _ = try MeshMemory.open(path, thread: thread, now: 1) }
    }
}
