import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Routing

/// A directory that goes with its owner.
private final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/meshnode-tokens-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit {
        for name in ["token", "beside"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// Puts a file in place by renaming, as a careful writer does.
    func put(_ text: String, mode: mode_t = 0o600) {
        let beside = open("\(path)/beside", O_WRONLY | O_CREAT | O_TRUNC, mode)
        fchmod(beside, mode)
        _ = Array(text.utf8).withUnsafeBytes { write(beside, $0.baseAddress, $0.count) }
        close(beside)
        rename("\(path)/beside", "\(path)/token")
    }
}

@Suite struct TokenFileTests {
    @Test("the token without the space around it; another file in its place is another token")
    func reads() async throws {
        let folder = try Folder()
        let file = TokenFile(path: "\(folder.path)/token")
        folder.put(" the-token\r\n\n")
        #expect(try await file.read(refused: nil).token == "the-token")
        #expect(try file.readNow().token == "the-token")
        // Of the same size.
        folder.put(" the-tokes\r\n\n")
        #expect(try await file.read(refused: nil).token == "the-tokes")
        unlink("\(folder.path)/token")
        await #expect(throws: TokenFailure.self) { try await file.read(refused: nil) }
    }

    @Test("what is no token", arguments: ["", " \n", "two words", "two\nlines", "é", String(repeating: "x", count: 16_385)])
    func refuses(text: String) throws {
        let folder = try Folder()
        folder.put(text)
        let failure = #expect(throws: TokenFailure.self) { try TokenFile(path: "\(folder.path)/token").readNow() }
        #expect(failure?.description.contains("holds no token") == true)
    }

    @Test("a file that others may read is refused with the way to mend it")
    func exposed() throws {
        let folder = try Folder()
        folder.put("secret-secret", mode: 0o640)
        let failure = #expect(throws: TokenFailure.self) { try TokenFile(path: "\(folder.path)/token").readNow() }
        #expect(failure?.description.contains("chmod 600") == true)
        #expect(failure?.description.contains("secret-secret") == false)
    }
}

@Suite struct TokenCommandTests {
    private final class Lines: Sendable {
        let said = Mutex<[String]>([])
        @Sendable func add(_ line: String) { said.withLock { $0.append(line) } }
        var all: [String] { said.withLock { $0 } }
    }

    @Test("what a program writes is the token, for its stated life")
    func reads() async throws {
        let lines = Lines()
        let command = TokenProgram(
            ["sh", "-c", "echo the-token; echo asked >&2; echo the-token >&2"], lifeSeconds: 100, log: lines.add)
        let reading = try await command.read(refused: nil)
        #expect(reading == TokenReading(token: "the-token", renewAfter: 90_000_000_000, expiresAfter: 100_000_000_000))
        #expect(lines.all == ["sh: asked", "sh: (a line that holds the token)"])
    }

    @Test("a program that fails may have said a token too")
    func failingTold() async {
        let lines = Lines()
        let token = String(repeating: "aB3_", count: 12).replacing("_", with: "-")
        let command = TokenProgram(
            ["sh", "-c", "echo no luck >&2; echo got \(token) >&2; exit 1"], lifeSeconds: 1, log: lines.add)
        await #expect(throws: TokenFailure.self) { try await command.read(refused: nil) }
        #expect(lines.all == ["sh: no luck", "sh: (a line that holds the token)"])
    }

    @Test("arguments reach the program as they are: there is no shell")
    func noShell() async throws {
        let command = TokenProgram(["echo", "$HOME;*`id`"], lifeSeconds: 1) { _ in }
        #expect(try await command.read(refused: nil).token == "$HOME;*`id`")
    }

    @Test(
        "programs that fail: what is said",
        arguments: [
            (["sh", "-c", "echo the-token; exit 3"], "sh ended with exit code 3"),
            (["sh", "-c", "kill -9 $$"], "sh ended with signal 9"), (["sh", "-c", ""], "the output of sh holds no token"),
            (["sh", "-c", "echo two words"], "the output of sh holds no token"),
            (["/nonexistent/program"], "/nonexistent/program cannot be started: No such file"),
            (["sh", "-c", "yes"], "sh wrote more than 65536 bytes"),
        ])
    func failures(arguments: [String], message: String) async {
        let command = TokenProgram(arguments, lifeSeconds: 1) { _ in }
        let failure = await #expect(throws: TokenFailure.self) { try await command.read(refused: nil) }
        #expect(failure?.description.hasPrefix(message) == true)
        #expect(failure?.description.contains("the-token") == false)
    }

    @Test("one whose status somebody else took has not succeeded")
    func unknownEnd() {
        // No child of ours either, as far as the kernel tells.
        let fault = #expect(throws: ProgramFault.self) { try ProgramRun.end(of: getpid(), ProgramRun.Limits(), .max) }
        #expect(fault?.isRunning == false && fault?.description.contains("how is not known") == true)
    }

    @Test(
        "one that takes too long is ended with all that it started",
        arguments: ["sleep 1000", "sleep 1000 & exec sleep 1000 >&- 2>&-"])
    func endless(script: String) throws {
        let folder = try Folder()
        let script = "echo $$ > \(folder.path)/token; \(script)"
        let limits = ProgramRun.Limits(seconds: 0.5)
        let failure = #expect(throws: TokenFailure.self) { try ProgramRun.run(["sh", "-c", script], limits: limits) }
        #expect(failure?.description == "sh took longer than 0.5 s")
        // The program was reaped. Other tests have children too: only this one is asked for.
        let said = try String(contentsOfFile: "\(folder.path)/token", encoding: .utf8)
        let program = try #require(pid_t(said.trimmingPrefix { $0.isWhitespace }.prefix { $0.isNumber }))
        #expect(kill(program, 0) < 0 && errno == ESRCH)
    }
}
