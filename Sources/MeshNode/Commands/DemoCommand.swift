import CLinux
import Glibc
import Gossip

/// `meshnode demo`: three sites on this machine, with a real model where it can be had, and what to try.
enum DemoCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        let real = RealModel.find()
        var companions: [ChildProcess] = []
        if let real {
            say("starting a real model (llama.cpp, SmolLM2 135M) at two sites")
            companions = try real.start()
        } else {
            say(
                "the real model's two Python packages are not installed (scripts/real-llm prepare): all models are simulated"
            )
        }
        let supervisor: Supervisor
        do throws(CommandFailure) {
            supervisor = try Supervisor(topology(real), Supervisor.Options())
            for child in companions { supervisor.adopt(child) }
            try supervisor.start()
        } catch {
            for child in companions { kill(child.pid, SIGKILL) }
            throw error
        }
        Output.write(instructions(supervisor.files, supervisor.pids, real))
        do throws(CommandFailure) {
            try supervisor.runUntilSignal()
        } catch {
            supervisor.end()
            throw error
        }
        supervisor.end()
    }

    // MARK: The federation

    /// Three sites of different speed; A lacks the model that B and C share. C has it behind Globus Compute, emulated, where there is a
    /// Python to run our function: the demo then shows the whole way.
    private static func topology(_ real: RealModel?) -> Topology {
        func simulated(_ tokensPerSecond: Double, _ slots: Int) -> Topology.Backend {
            .simulated(SimulatedServer(timeToFirstTokenSeconds: 0.1, tokensPerSecond: tokensPerSecond, slots: slots))
        }
        func shared(_ index: Int) -> Topology.Model {
            guard let real else { return Topology.Model(id: sharedName(nil), backend: simulated(index == 0 ? 60 : 30, 4)) }
            return Topology.Model(
                id: RealModel.name, backend: .given(.openAI(OpenAIBackend(url: "http://127.0.0.1:\(real.ports[index])/v1"))))
        }
        /// The same model, reached by tasks instead of a connection.
        func behindGlobus(_ model: Topology.Model) -> Topology.Model {
            guard hasPython else { return model }
            let server: EmulatedEndpoint.Server
            switch model.backend {
            case .given(.openAI(let known)): server = .url(known.url)
            case .simulated(let simulated): server = .simulated(simulated)
            default: return model
            }
            var model = model
            model.backend = .emulatedGlobus(
                EmulatedEndpoint(server: server, backend: GlobusComputeBackend(endpoint: "", slots: 4)))
            return model
        }
        let chat = "chat-small"
        return Topology(
            federation: "demo",
            sites: [
                Topology.Site(
                    site: "argonne", nodes: [Topology.Node(node: "a1")],
                    models: [Topology.Model(id: chat, backend: simulated(40, 4))]),
                Topology.Site(
                    site: "oakridge", nodes: [Topology.Node(node: "b1")],
                    models: [Topology.Model(id: chat, backend: simulated(80, 8)), shared(0)]),
                Topology.Site(
                    site: "nersc", nodes: [Topology.Node(node: "c1")],
                    models: [Topology.Model(id: chat, backend: simulated(20, 2)), behindGlobus(shared(1))]),
            ])
    }

    private static var hasPython: Bool {
        let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        return folders.contains { access("\($0)/python3", X_OK) == 0 }
    }

    private static func sharedName(_ real: RealModel?) -> String { real == nil ? "chat-large" : RealModel.name }

    // MARK: What to try

    private static func instructions(_ files: FederationFiles, _ pids: [NodeID: pid_t], _ real: RealModel?) -> String {
        let a = files.nodes[0]
        let model = sharedName(real)
        let ask =
            #"curl -si \#(a.api)/v1/chat/completions -H "Authorization: Bearer \#(files.tokens.user)" -d '{"model":"\#(model)","temperature":0,"#
            + #""max_tokens":24,"messages":[{"role":"user","content":"Name the capital of France."}]}' | grep -iE 'x-mesh|content'"#
        var text = "\nThree sites are up: argonne (A), oakridge (B), nersc (C). \(model) is at B and C only"
        text += real == nil ? ", simulated.\n" : ", a real model.\n"
        if hasPython {
            text +=
                "C reaches it through Globus Compute, emulated here: each request is a task that a Python process runs.\n"
        }
        text +=
            "Console: \(a.api)/mesh/console with the token \(files.tokens.viewer)\n\nPaste these, one after the other, into another terminal:\n\n"
        text += "# 1. Ask A for what only B and C have; X-Mesh-Site says who answered:\n\(ask)\n\n"
        text += "# 2. See how A decides:\n"
        text += "MESHNODE_TOKEN=\(files.tokens.viewer) \(ChildProcess.ownPath) route \(model) --node \(a.api)\n\n"
        text += "# 3. Kill B, without a warning:\nkill -9 \(pids[files.nodes[1].id] ?? 0)\n\n"
        text += "# 4. Ask again; C answers:\n\(ask)\n\nCtrl-C here ends it all.\n"
        return text
    }

    private static func say(_ text: String) { Output.write(text + "\n") }
}

/// The real model server that `scripts/real-llm prepare` installs beside the program.
struct RealModel {
    static let name = "smollm2-135m-instruct"

    let script: String
    let ports: [Int]

    /// Looked for from the working folder upwards of the program's own: nil where it was not prepared.
    static func find() -> RealModel? {
        var folder = ChildProcess.ownPath[...]
        for _ in 0..<6 {
            guard let slash = folder.lastIndex(of: "/") else { return nil }
            folder = folder[..<slash]
            let script = folder + "/scripts/real-llm"
            if access(String(script), X_OK) == 0 {
                guard isPrepared(String(script)) else { return nil }
                guard let first = freePort(), let second = freePort() else { return nil }
                return RealModel(script: String(script), ports: [first, second])
            }
        }
        return nil
    }

    private static func isPrepared(_ script: String) -> Bool {
        guard let child = try? ChildProcess.start("real-llm", script, ["available"], output: "/dev/null") else {
            return false
        }
        var status: Int32 = 0
        return waitpid(child.pid, &status, 0) == child.pid && mesh_wait_status_exit(status) == 0
    }

    func start() throws(CommandFailure) -> [ChildProcess] {
        var children: [ChildProcess] = []
        for port in ports {
            children.append(
                try ChildProcess.start(
                    "real model on port \(port)", script, ["run", "--port", String(port)], output: "/dev/null"))
        }
        return children
    }
}
