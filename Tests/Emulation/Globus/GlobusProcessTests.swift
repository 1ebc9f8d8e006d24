import Glibc
import Testing
import Transport

@testable import Emulation

@Suite("Processes of the emulated Globus Compute")
struct GlobusProcessTests {
    typealias Harness = GlobusHarness

    /// A function that writes down its own process and one that it started, and never ends.
    static let endless = """
        import os, subprocess, time
        def f(path):
            child = subprocess.Popen(["sleep", "100000"])
            with open(path + ".new", "w") as file:
                file.write("%d %d" % (os.getpid(), child.pid))
            os.rename(path + ".new", path)
            while True:
                time.sleep(1000)
        """

    static func scratch() -> String {
        var template = Array("/tmp/meshnode-globus-XXXXXX".utf8CString)
        return mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Whether a process runs; one that nobody has reaped yet does not.
    static func runs(_ pid: Int) -> Bool {
        guard let status = text("/proc/\(pid)/stat"), let end = status.lastIndex(of: ")") else { return false }
        return !["Z", "X"].contains(status[status.index(end, offsetBy: 2)])
    }

    @Test("an endless function, and what it started, end with the emulation")
    func endsWithEmulation() async throws {
        let harness = try GlobusHarness()
        let token = try await harness.computeToken()
        let function = try await harness.register(source: Self.endless, token)
        let path = Self.scratch() + "/pids"
        _ = try await harness.submit(function, "[\"\(path)\"]", token)
        while Self.text(path) == nil { await Task.yield() }
        let pids = try #require(Self.text(path)).split(separator: " ").compactMap { Int($0) }
        #expect(pids.count == 2 && pids.allSatisfy(Self.runs))
        let told = try await harness.state()
        #expect(told["processes"]?.items?.first?["pid"]?.integer == pids[0])
        await harness.stop()
        // The function's process was reaped; the other is its group's, killed with it, and reaped by whoever inherits it.
        #expect(kill(pid_t(pids[0]), 0) == -1)
        while Self.runs(pids[1]) { await Task.yield() }
    }

    @Test("so many at once as there are workers; the others wait their turn")
    func workers() async throws {
        try await Harness.run { harness in
            let token = try await harness.computeToken()
            let source = """
                import os, time
                def f(name, path):
                    os.close(os.open(path + "/began-" + name, os.O_CREAT | os.O_WRONLY))
                    while not os.path.exists(path + "/go"):
                        time.sleep(0.005)
                    return name
                """
            let function = try await harness.register(source: source, token)
            let path = Self.scratch()
            var tasks: [String] = []
            for name in ["a", "b", "c"] {
                tasks.append(try await harness.submit(function, "[\"\(name)\", \"\(path)\"]", token))
            }
            for name in ["a", "b"] { while access("\(path)/began-\(name)", F_OK) != 0 { await Task.yield() } }
            let told = try await harness.state()["tasks"]
            #expect(told?["running"] == 2 && told?["waiting"] == 1)
            let third = try await harness.get("/v2/tasks/\(tasks[2])", token).json
            #expect(third["status"] == "waiting-for-nodes" && third["result"] == nil)
            #expect(access("\(path)/began-c", F_OK) != 0)
            close(open("\(path)/go", O_CREAT | O_WRONLY, 0o600))
            #expect(try await harness.outcome(tasks[2], token)["result"] == "11\n\"c\"")
        }
    }

    @Test("an endpoint that is offline keeps its tasks")
    func offline() async throws {
        try await Harness.run({ $0.endpoints[0].isOnline = false }) { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: GlobusComputeTests.source, token)
            let task = try await harness.submit(function, "[1]", token)
            #expect(try await harness.get("/v2/tasks/\(task)", token).json["status"] == "waiting-for-ep")
            try await harness.fault(["endpoint": .string(Harness.endpoint), "state": "online"])
            #expect(try await harness.outcome(task, token)["status"] == "success")
        }
    }

    @Test("a process for a configuration takes its time to start")
    func startTime() async throws {
        try await Harness.run({ $0.endpoints[0].startSeconds = 0.3 }) { harness in
            let token = try await harness.computeToken()
            let function = try await harness.register(source: "import time\ndef f():\n    return time.time()\n", token)
            let before = try await harness.time()
            let task = try await harness.submit(function, "[]", token)
            _ = try await harness.outcome(task, token)
            let after = try await harness.time()
            #expect(after - before >= 0.3)
        }
    }

    @Test("what a function prints goes to the log, and its environment is the endpoint's")
    func output() async throws {
        let path = Self.scratch() + "/log"
        try await Harness.run({
            $0.functionOutput = path
            $0.endpoints[0].environment = ["SITE_KEY": "site value"]
        }) { harness in
            let told = try await harness.call(
                "import os\ndef f():\n    print('printed')\n    return os.environ['SITE_KEY']\n")
            #expect(told["result"] == "11\n\"site value\"")
        }
        #expect(Self.text(path) == "printed\n")
    }

    @Test("a Python that is not there fails the task, not the emulation")
    func noPython() async throws {
        try await Harness.run({ $0.endpoints[0].python = "/nonexistent/python" }) { harness in
            let told = try await harness.call("def f():\n    pass\n")
            #expect(told["exception"]?.text?.hasPrefix("Failed to start task") == true && told["details"] == nil)
        }
    }
}
