import CLinux
import Gossip
import Glibc
import Routing
import Trust

/// Runs a federation on this machine: starts the stand-ins and the nodes as its own children, sees that they are ready, and ends
/// them all when it ends.
final class Supervisor {
    struct Options {
        var stateDirectory: String?
        var readyFile: String?
        var restarts = false
    }

    private enum Role {
        case node(FederationFiles.PlannedNode, configuration: String)
        /// A stand-in.
        case server(name: String, arguments: [String])
        /// A process that the caller wants beside the nodes.
        case companion
    }

    private let topology: Topology
    private let options: Options
    private let directory: String
    private let ownsDirectory: Bool
    let files: FederationFiles
    /// Where the Globus emulation listens, once it does.
    private var globusURL: String?
    private var children: [pid_t: (child: ChildProcess, role: Role)] = [:]
    private var isEnding = false

    /// Seconds until everything must be ready.
    private static let readySeconds = 60

    init(_ topology: Topology, _ options: Options) throws(CommandFailure) {
        self.topology = topology
        self.options = options
        if let given = options.stateDirectory {
            directory = given.hasPrefix("/") ? given : Self.workingDirectory + "/" + given
            ownsDirectory = false
        } else {
            directory = try Self.temporaryDirectory()
            ownsDirectory = true
        }
        files = try FederationFiles(topology, directory: directory)
    }

    private static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }

    private static func temporaryDirectory() throws(CommandFailure) -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/meshnode-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure(
                exitCode: 1, message: "no temporary folder can be made in \(base): \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Starts everything and waits until it is ready.
    func start() throws(CommandFailure) {
        do throws(CommandFailure) {
            if let globus = files.globus { globusURL = try startGlobus(globus) }
            for node in files.nodes { try startNode(node) }
            try awaitReady()
            try writeReadyFile()
        } catch {
            end()
            throw error
        }
    }

    /// Takes a process of the caller's under this supervisor's care.
    func adopt(_ child: ChildProcess) { children[child.pid] = (child, .companion) }

    // MARK: Children

    private func startNode(_ node: FederationFiles.PlannedNode) throws(CommandFailure) {
        guard let site = topology.sites.first(where: { $0.site == node.id.site }) else { return }
        var urls: [String: String] = [:]
        for model in site.models {
            switch model.backend {
            case .simulated(let server): urls[model.id] = try startServer(model, server, node)
            case .emulatedGlobus(let emulated):
                guard case .simulated(let server) = emulated.server else { continue }
                urls[model.id] = try startServer(model, server, node)
            case .given: continue
            }
        }
        let configuration = try files.writeConfiguration(of: node, servers: urls, globusURL: globusURL)
        try start(.node(node, configuration: configuration))
    }

    /// Starts a simulated server and waits until it listens: its URL.
    private func startServer(
        _ model: Topology.Model, _ server: SimulatedServer, _ node: FederationFiles.PlannedNode
    ) throws(CommandFailure) -> String {
        let index = children.count
        let ready = node.directory + "/simulated-\(index).ready"
        unlink(ready)
        let arguments =
            [
                "emulate", "inference", "--port", "0", "--ready-file", ready, "--model", model.id, "--first-state",
                model.state.rawValue,
            ]
            + server.arguments
        return "http://\(try startServer("simulated server of \(model.id)", arguments, ready))/v1"
    }

    /// Starts the Globus emulation: its URL.
    private func startGlobus(_ globus: EmulatedGlobus) throws(CommandFailure) -> String {
        let file = directory + "/globus-emulation.json"
        try globus.write(file)
        let ready = directory + "/globus-emulation.ready"
        unlink(ready)
        let arguments = ["emulate", "globus", "--port", "0", "--ready-file", ready, "--config", file]
        return "http://\(try startServer("Globus emulation", arguments, ready))"
    }

    /// Starts a stand-in and waits until it listens: its address.
    private func startServer(_ name: String, _ arguments: [String], _ ready: String) throws(CommandFailure) -> String {
        let pid = try start(.server(name: name, arguments: arguments))
        for _ in 0..<1000 {
            if let text = try? SecretFile.read(ready) {
                let address = String(decoding: text, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
                // Should it have to be started again, its port must be the same.
                if let port = address.split(separator: ":").last {
                    let fixed = arguments.map { $0 == "0" ? String(port) : $0 }
                    children[pid]?.role = .server(name: name, arguments: fixed)
                }
                return address
            }
            try reap()
            _ = Signals.wait(milliseconds: 10)
            guard children[pid] != nil else { throw CommandFailure(exitCode: 1, message: "the \(name) ended at once") }
        }
        throw CommandFailure(exitCode: 1, message: "the \(name) did not start in time")
    }

    @discardableResult
    private func start(_ role: Role) throws(CommandFailure) -> pid_t {
        let child: ChildProcess
        switch role {
        case .node(let node, let configuration):
            child = try ChildProcess.start(
                "node \(node.id)", ChildProcess.ownPath, ["serve", "--config", configuration],
                output: node.directory + "/node.log")
        case .server(let name, let arguments):
            child = try ChildProcess.start(
                name, ChildProcess.ownPath, arguments, output: directory + "/simulated.log")
        case .companion: return 0
        }
        children[child.pid] = (child, role)
        return child.pid
    }

    /// Notes children that have ended; one that ends before all is ready is an error.
    private func reap(failing: Bool = true) throws(CommandFailure) {
        while true {
            var status: Int32 = 0
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return }
            guard let (child, role) = children.removeValue(forKey: pid), !isEnding else { continue }
            let signal = mesh_wait_status_signal(status)
            let how = signal != 0 ? "killed by signal \(signal)" : "ended with \(mesh_wait_status_exit(status))"
            if failing {
                throw CommandFailure(
                    exitCode: 1, message: "\(child.name) \(how) before the mesh was ready\(lastWords(role))")
            }
            say("\(child.name) (pid \(pid)) \(how)")
            if options.restarts, case .companion = role {
            } else if options.restarts {
                try start(role)
                say("\(child.name) started again")
            }
        }
    }

    /// The last line that a node logged.
    private func lastWords(_ role: Role) -> String {
        guard case .node(let node, _) = role, let file = fopen(node.directory + "/node.log", "r") else { return "" }
        defer { fclose(file) }
        fseek(file, -2000, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        let line = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").last ?? ""
        return line.isEmpty ? "" : ": \(line)"
    }

    // MARK: Ready

    private func awaitReady() throws(CommandFailure) {
        let limit = mesh_monotonic_ns() + UInt64(Self.readySeconds) * 1_000_000_000
        let check = ReadyCheck(files: files)
        var missing = ""
        while mesh_monotonic_ns() < limit {
            try reap()
            guard let found = check.missing() else { return }
            missing = found
            if let signal = Signals.wait(milliseconds: 50), signal == SIGINT || signal == SIGTERM {
                throw CommandFailure(exitCode: 1, message: "interrupted before the mesh was ready")
            }
        }
        throw CommandFailure(exitCode: 1, message: "the mesh was not ready after \(Self.readySeconds) s: \(missing)")
    }

    /// The process of each node that runs.
    var pids: [NodeID: pid_t] {
        var found: [NodeID: pid_t] = [:]
        for (pid, entry) in children {
            if case .node(let node, _) = entry.role { found[node.id] = pid }
        }
        return found
    }

    private func writeReadyFile() throws(CommandFailure) {
        guard let path = options.readyFile else { return }
        do {
            // Holds tokens: for its owner alone.
            try SecretFile.write(path, Array(files.readyText(pids: pids).utf8))
        } catch { throw CommandFailure(exitCode: 1, message: "cannot write the ready file: \(error)") }
    }

    // MARK: Running

    /// Watches over the children until a signal comes.
    func runUntilSignal() throws(CommandFailure) {
        while true {
            switch Signals.wait() {
            case SIGINT, SIGTERM, SIGHUP: return
            default: try reap(failing: false)
            }
        }
    }

    /// Ends all children: in order first, then by force.
    func end() {
        isEnding = true
        for pid in children.keys { kill(pid, SIGTERM) }
        let limit = mesh_monotonic_ns() + 5_000_000_000
        while !children.isEmpty, mesh_monotonic_ns() < limit {
            try? reap(failing: false)
            if !children.isEmpty { _ = Signals.wait(milliseconds: 20) }
        }
        for pid in children.keys { kill(pid, SIGKILL) }
        for pid in children.keys {
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        children = [:]
        if ownsDirectory { removeTree(directory) }
    }

    private func say(_ text: String) {
        var line = "meshnode up: \(text)\n"; line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    }
}

/// Removes a folder and all in it.
func removeTree(_ path: String) {
    guard let folder = opendir(path) else {
        unlink(path)
        return
    }
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        let inner = path + "/" + name
        if entry.pointee.d_type == UInt8(DT_DIR) { removeTree(inner) } else { unlink(inner) }
    }
    closedir(folder)
    rmdir(path)
}

func escaped(_ text: String) -> String { jsonEscaped(text) }
