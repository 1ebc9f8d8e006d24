import CLinux
import Glibc
import Transport

/// A program that writes the token to its standard output: run without a shell, in bounds, and again when the token's life ends.
public final class TokenProgram: TokenOrigin {
    public let refusalPause: UInt64 = 10_000_000_000
    private let arguments: [String]
    private let lifeSeconds: Double
    private let limits: ProgramRun.Limits
    private let log: @Sendable (String) -> Void

    /// - Parameters:
    ///   - arguments: the program and its arguments; a name without a slash is searched for in PATH.
    ///   - lifeSeconds: how long a token holds.
    ///   - log: takes what the program says on standard error, line by line.
    public init(_ arguments: [String], lifeSeconds: Double, log: @escaping @Sendable (String) -> Void) {
        self.arguments = arguments
        self.lifeSeconds = lifeSeconds
        self.log = log
        limits = ProgramRun.Limits()
    }

    public func read(refused: String?) async throws(TokenFailure) -> TokenReading {
        let (arguments, limits) = (arguments, limits)
        let result = await onThread { () -> Result<ProgramRun.Output, TokenFailure> in
            do throws(TokenFailure) {
                return .success(try ProgramRun.run(arguments, limits: limits))
            } catch { return .failure(error) }
        }
        let program = arguments.first ?? ""
        switch result {
        case .failure(let failure): throw failure
        case .success(let output):
            let said = String(decoding: output.errors, as: UTF8.self)
            guard output.status == 0 else {
                tell(said, hiding: output.text)
                throw TokenFailure("\(program) ended with \(output.ending)")
            }
            let token = try BearerToken.trimmed(output.text, from: "the output of \(program)")
            tell(said, hiding: Array(token.utf8))
            let life = UInt64(lifeSeconds * 1e9)
            // A tenth ahead of its end, so that nobody has to wait for the next.
            return TokenReading(token: token, renewAfter: life - life / 10, expiresAfter: life)
        }
    }

    /// A program that failed has told no token to compare with: what is as long as one and of the same letters is not shown.
    private static func mayBeToken(_ word: Substring) -> Bool {
        word.utf8.count >= 32
            && word.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (48...57).contains(byte)
                    || "-._~+=".utf8.contains(byte)
            }
    }

    /// Passes on what a program said, without the token should it have said that too.
    private func tell(_ said: String, hiding secret: [UInt8]) {
        let words = String(decoding: secret, as: UTF8.self).split(whereSeparator: \.isWhitespace).filter { $0.utf8.count >= 8 }
        for line in said.split(separator: "\n").prefix(20) {
            let holdsSecret = words.contains { line.contains($0) } || line.split(separator: " ").contains(where: Self.mayBeToken)
            log("\(arguments.first ?? ""): \(holdsSecret ? "(a line that holds the token)" : String(line.prefix(500)))")
        }
    }
}

/// One run of a program to its end, in bounds. Blocks its thread.
enum ProgramRun {
    struct Limits {
        var seconds = 10.0
        /// Of standard output; and of standard error, where what is beyond it is dropped.
        var outputBytes = 64 << 10
    }

    struct Output {
        var text: [UInt8]
        var errors: [UInt8]
        /// As a shell would have it: above 128 a signal.
        var status: Int32

        var ending: String { status > 128 ? "signal \(status - 128)" : "exit code \(status)" }
    }

    /// - Throws: when it cannot be started, takes too long, or writes too much; it has ended then.
    static func run(_ arguments: [String], limits: Limits) throws(TokenFailure) -> Output {
        let program = arguments.first ?? ""
        guard let output = Pipe(), let errors = Pipe() else {
            throw TokenFailure("\(program) cannot be started: no pipe: \(String(cString: strerror(mesh_errno())))")
        }
        let pid = try spawn(arguments, output: output.writing, errors: errors.writing)
        output.closeWriting()
        errors.closeWriting()
        var text: [UInt8] = []
        var said: [UInt8] = []
        let deadline = mesh_monotonic_ns() &+ UInt64(limits.seconds * 1e9)
        var problem = collect(output, errors, &text, &said, limits, deadline)
        var status: Int32 = 0
        if problem == nil {
            // It has closed its output and may yet stay.
            while waitpid(pid, &status, WNOHANG) == 0 {
                guard mesh_monotonic_ns() < deadline else {
                    problem = "took longer than \(limits.seconds) s"
                    break
                }
                usleep(5_000)
            }
        }
        if let problem {
            // The whole group: what it started has the same right to end.
            kill(-pid, SIGKILL)
            while waitpid(pid, &status, 0) < 0, mesh_errno() == EINTR {}
            throw TokenFailure("\(program) \(problem)")
        }
        let signal = mesh_wait_status_signal(status)
        return Output(text: text, errors: said, status: signal != 0 ? 128 + signal : mesh_wait_status_exit(status))
    }

    /// Reads both pipes to their ends; nil, or what went beyond its bound.
    private static func collect(
        _ output: borrowing Pipe, _ errors: borrowing Pipe, _ text: inout [UInt8], _ said: inout [UInt8], _ limits: Limits,
        _ deadline: UInt64
    ) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var open = [
            pollfd(fd: output.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors.reading, events: Int16(POLLIN), revents: 0),
        ]
        // A negative descriptor is passed over.
        while open.contains(where: { $0.fd >= 0 }) {
            let now = mesh_monotonic_ns()
            guard now < deadline else { return "took longer than \(limits.seconds) s" }
            let count = poll(&open, nfds_t(open.count), Int32((deadline - now) / 1_000_000 + 1))
            if count < 0, mesh_errno() != EINTR { return "could not be read" }
            guard count > 0 else { continue }
            for index in open.indices where open[index].fd >= 0 && open[index].revents != 0 {
                let got = read(open[index].fd, &buffer, buffer.count)
                if got < 0, mesh_errno() == EINTR { continue }
                if got <= 0 {
                    open[index].fd = -1
                } else if index == 0 {
                    text += buffer[..<got]
                    if text.count > limits.outputBytes { return "wrote more than \(limits.outputBytes) bytes" }
                } else {
                    said += buffer[..<min(got, limits.outputBytes - said.count)]
                }
            }
        }
        return nil
    }

    private static func spawn(_ arguments: [String], output: Int32, errors: Int32) throws(TokenFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Our blocked signals are not its; a group of its own can be ended as one.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let argv = arguments.map { strdup($0) } + [nil]
        defer { for pointer in argv { free(pointer) } }
        var pid: pid_t = 0
        let program = arguments.first ?? ""
        let result = posix_spawnp(&pid, program, &actions, &attributes, argv, environ)
        guard result == 0 else { throw TokenFailure("\(program) cannot be started: \(String(cString: strerror(result)))") }
        return pid
    }

    /// Both ends of a pipe, closed with their owner and not passed on to programs.
    private final class Pipe {
        let reading: Int32
        private(set) var writing: Int32

        init?() {
            var ends: [Int32] = [-1, -1]
            guard mesh_pipe(&ends) == 0 else { return nil }
            reading = ends[0]
            writing = ends[1]
        }

        func closeWriting() {
            if writing >= 0 { close(writing) }
            writing = -1
        }

        deinit {
            closeWriting()
            close(reading)
        }
    }
}
