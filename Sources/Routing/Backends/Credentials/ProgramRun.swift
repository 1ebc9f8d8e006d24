import CLinux
import Glibc

/// What became of a program that told nothing of use.
struct ProgramFault: Error {
    let description: String
    /// It is still to be ended.
    let isRunning: Bool

    init(_ description: String, isRunning: Bool = true) {
        self.description = description
        self.isRunning = isRunning
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
        do throws(ProgramFault) {
            try collect(output, errors, &text, &said, limits, deadline)
            // It has closed its output and may yet stay.
            return Output(text: text, errors: said, status: try end(of: pid, limits, deadline))
        } catch {
            // The whole group: what it started has the same right to end. What has ended may be another's number by now.
            if error.isRunning {
                kill(-pid, SIGKILL)
                var status: Int32 = 0
                while waitpid(pid, &status, 0) < 0, mesh_errno() == EINTR {}
            }
            throw TokenFailure("\(program) \(error.description)")
        }
    }

    /// Waits until the program ends: its status, as a shell would have it.
    ///
    /// - Throws: also where another took the status, which the kernel tells once: nobody knows then whether it succeeded.
    static func end(of pid: pid_t, _ limits: Limits, _ deadline: UInt64) throws(ProgramFault) -> Int32 {
        var status: Int32 = 0
        while true {
            let found = waitpid(pid, &status, WNOHANG)
            if found == pid { break }
            guard found == 0 || mesh_errno() == EINTR else {
                throw ProgramFault(
                    "ended, but how is not known: \(String(cString: strerror(mesh_errno())))", isRunning: false)
            }
            guard mesh_monotonic_ns() < deadline else { throw ProgramFault("took longer than \(limits.seconds) s") }
            usleep(5_000)
        }
        let signal = mesh_wait_status_signal(status)
        return signal != 0 ? 128 + signal : mesh_wait_status_exit(status)
    }

    /// Reads both pipes to their ends.
    private static func collect(
        _ output: borrowing Pipe, _ errors: borrowing Pipe, _ text: inout [UInt8], _ said: inout [UInt8], _ limits: Limits,
        _ deadline: UInt64
    ) throws(ProgramFault) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var open = [
            pollfd(fd: output.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors.reading, events: Int16(POLLIN), revents: 0),
        ]
        // A negative descriptor is passed over.
        while open.contains(where: { $0.fd >= 0 }) {
            let now = mesh_monotonic_ns()
            guard now < deadline else { throw ProgramFault("took longer than \(limits.seconds) s") }
            let count = poll(&open, nfds_t(open.count), Int32((deadline - now) / 1_000_000 + 1))
            if count < 0, mesh_errno() != EINTR { throw ProgramFault("could not be read") }
            guard count > 0 else { continue }
            for index in open.indices where open[index].fd >= 0 && open[index].revents != 0 {
                let got = read(open[index].fd, &buffer, buffer.count)
                if got < 0, mesh_errno() == EINTR { continue }
                if got <= 0 {
                    open[index].fd = -1
                } else if index == 0 {
                    text += buffer[..<got]
                    if text.count > limits.outputBytes {
                        throw ProgramFault("wrote more than \(limits.outputBytes) bytes")
                    }
                } else {
                    said += buffer[..<min(got, limits.outputBytes - said.count)]
                }
            }
        }
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
