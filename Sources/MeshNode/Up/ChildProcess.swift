import CLinux
import Glibc

/// A process that this one started and that ends with it.
struct ChildProcess {
    let pid: pid_t
    let name: String

    /// The variable that tells a child its parent: it asks the kernel to be killed when that one dies, then checks that it has not
    /// died already.
    static let parentVariable = "MESHNODE_PARENT"

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - output: file that takes its standard output and error; nil: ours.
    ///   - environment: added to ours.
    static func start(
        _ name: String, _ program: String, _ arguments: [String], environment: [String: String] = [:], output: String? = nil
    ) throws(CommandFailure) -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Our blocked signals are not theirs; a terminal's Ctrl-C goes to us alone, who end them in order.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var variables = inheritedEnvironment()
        variables[parentVariable] = String(getpid())
        for (key, value) in environment { variables[key] = value }
        let argv = ([program] + arguments).map { strdup($0) } + [nil]
        let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in argv { free(pointer) }
            for pointer in envp { free(pointer) }
        }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, program, &actions, &attributes, argv, envp)
        guard result == 0 else {
            throw CommandFailure(
                exitCode: 1, message: "cannot start \(name) (\(program)): \(String(cString: strerror(result)))")
        }
        return ChildProcess(pid: pid, name: name)
    }

    private static func inheritedEnvironment() -> [String: String] {
        var found: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { found[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        // A token of the caller's is nobody's business but the caller's.
        found["MESHNODE_TOKEN"] = nil
        return found
    }

    /// Called first thing in a child: dies with its parent, also with one that is dead already.
    static func dieWithParent() {
        guard let text = getenv(parentVariable), let parent = pid_t(String(cString: text)) else { return }
        _ = mesh_die_with_parent()
        if getppid() != parent { exit(1) }
        unsetenv(parentVariable)
    }

    /// The path of the running program.
    static var ownPath: String {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &bytes, 4095)
        return String(decoding: bytes[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
