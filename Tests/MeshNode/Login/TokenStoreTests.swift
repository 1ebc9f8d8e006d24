import Glibc
import Testing

@testable import MeshNode

/// A store in a directory of the test's own.
final class StoreScratch {
    private let directory: TemporaryDirectory
    let store: TokenStore

    init() throws {
        directory = try TemporaryDirectory()
        store = TokenStore(directory: directory.path)
    }

    func keep(_ logins: [String: FederationLogin]) throws {
        try store.update { (stored) throws(CommandFailure) in stored.federations = logins }
    }

    func write(_ text: String) throws { _ = try directory.write("tokens.json", text) }

    func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}

@Suite struct TokenStoreTests {
    @Test("what is written is read, by its owner alone")
    func roundTrip() throws {
        let scratch = try StoreScratch()
        #expect(try scratch.store.read() == StoredLogins())
        try scratch.keep(["f": .twoSites(), "g": .other])
        #expect(try scratch.store.read() == StoredLogins(federations: ["f": .twoSites(), "g": .other]))
        #expect(scratch.mode(scratch.store.path) == 0o600)
        #expect(scratch.mode("\(scratch.store.directory)/tokens.lock") == 0o600)
        try scratch.keep([:])
        #expect(access(scratch.store.path, F_OK) != 0)
    }

    @Test("the directory is made for its owner alone")
    func directory() throws {
        let scratch = try TemporaryDirectory()
        let store = TokenStore(directory: "\(scratch.path)/meshnode")
        try store.update { (stored) throws(CommandFailure) in stored.federations = ["f": .twoSites()] }
        var status = stat()
        #expect(stat(store.directory, &status) == 0 && status.st_mode & 0o7777 == 0o700)
        unlink(store.path)
        unlink("\(store.directory)/tokens.lock")
    }

    @Test("a directory that others may write to is refused")
    func openDirectory() throws {
        let scratch = try StoreScratch()
        chmod(scratch.store.directory, 0o777)
        let failure = #expect(throws: CommandFailure.self) { try scratch.keep(["f": .twoSites()]) }
        #expect(failure?.message.contains("run: chmod go-w \(scratch.store.directory)") == true)
    }

    @Test("a file that others may read is refused, with what to run", arguments: [0o604, 0o640, 0o602, 0o677] as [mode_t])
    func exposed(mode: mode_t) throws {
        let scratch = try StoreScratch()
        try scratch.keep(["f": .twoSites()])
        chmod(scratch.store.path, mode)
        let failure = #expect(throws: CommandFailure.self) { try scratch.store.read() }
        #expect(failure?.message.contains("run: chmod 600 \(scratch.store.path)") == true)
        // Neither may it be replaced in silence: somebody may have the tokens.
        #expect(throws: CommandFailure.self) { try scratch.keep([:]) }
    }

    @Test("somebody else's file is refused", .enabled(if: geteuid() == 0, "only root can give a file away"))
    func owner() throws {
        let scratch = try StoreScratch()
        try scratch.keep(["f": .twoSites()])
        #expect(chown(scratch.store.path, 12345, 12345) == 0)
        let failure = #expect(throws: CommandFailure.self) { try scratch.store.read() }
        #expect(failure?.message.contains("belongs to user 12345") == true)
    }

    @Test(
        "a damaged file is said, not overwritten",
        arguments: ["", "{", "[]", #"{"version":1}"#, #"{"version":1,"federations":{"f":{}}}"#, "\u{0}\u{1}"])
    func damaged(text: String) throws {
        let scratch = try StoreScratch()
        try scratch.write(text)
        let failure = #expect(throws: CommandFailure.self) { try scratch.store.read() }
        #expect(failure?.message.contains("is damaged") == true && failure?.message.contains("\n") == false)
        #expect(throws: CommandFailure.self) { try scratch.keep(["f": .twoSites()]) }
    }

    @Test("a newer program's file is left to it")
    func newer() throws {
        let scratch = try StoreScratch()
        try scratch.write(#"{"version":2,"else":[]}"#)
        let failure = #expect(throws: CommandFailure.self) { try scratch.store.read() }
        #expect(failure?.message.contains("newer meshnode") == true)
    }

    @Test("a change that fails changes nothing")
    func failing() throws {
        let scratch = try StoreScratch()
        try scratch.keep(["f": .twoSites()])
        #expect(throws: CommandFailure.self) {
            try scratch.store.update { (stored) throws(CommandFailure) in
                stored.federations = [:]
                throw CommandFailure(exitCode: 1, message: "no")
            }
        }
        #expect(try scratch.store.read().federations.count == 1)
    }

    @Test("changes at the same time are made one after the other")
    func exclusive() async throws {
        let scratch = try StoreScratch()
        let store = scratch.store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try store.update { (stored) throws(CommandFailure) in stored.federations["f\(number)"] = .twoSites() }
                }
            }
            try await group.waitForAll()
        }
        #expect(try scratch.store.read().federations.count == 8)
    }

    @Test("a lock that stays taken is said")
    func stuck() throws {
        let scratch = try TemporaryDirectory()
        let path = "\(scratch.path)/lock"
        let failure = #expect(throws: CommandFailure.self) {
            try FileLock.holding(path, seconds: 1) { () throws(CommandFailure) in
                try FileLock.holding(path, seconds: 0) { () throws(CommandFailure) in }
            }
        }
        #expect(failure?.message.contains("another meshnode command") == true)
    }

    @Test(
        "where it is",
        arguments: [
            (["HOME": "/h"], "/h/.config/meshnode"), (["HOME": "/h", "XDG_CONFIG_HOME": "/x"], "/x/meshnode"),
            (["HOME": "/h", "XDG_CONFIG_HOME": "relative"], "/h/.config/meshnode"),
        ])
    func place(variables: [String: String], directory: String) throws {
        #expect(try TokenStore { variables[$0] }.directory == directory)
        #expect(throws: CommandFailure.self) { try TokenStore { _ in nil } }
    }
}
