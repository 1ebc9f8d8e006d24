import CLinux
import Glibc

extension PythonTask {
    /// The worker's program is compiled under a name of its own, so that its frames can be told from a function's.
    private static let bootstrap = "import sys; exec(compile(sys.argv.pop(1), '<worker>', 'exec'))"

    /// - Returns: 0, or an `errno`.
    static func spawn(_ order: Order, socket: Int32, _ pid: inout pid_t) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, socket, 0)
        posix_spawn_file_actions_adddup2(&actions, order.output, 1)
        posix_spawn_file_actions_adddup2(&actions, order.output, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let program = String(decoding: PackageResources.worker_py, as: UTF8.self)
        let words: [String] = [order.python, "-c", bootstrap, program]
        let argv = words.map { strdup($0) } + [nil]
        let envp = environment(order.environment).map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in argv { free(pointer) }
            for pointer in envp { free(pointer) }
        }
        return posix_spawnp(&pid, order.python, &actions, &attributes, argv, envp)
    }

    /// Ours without what is meant for this program, and the endpoint's.
    private static func environment(_ own: [String: String]) -> [String: String] {
        var found: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, !parts[0].hasPrefix("MESHNODE_") { found[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        return found.merging(own) { $1 }
    }
}
