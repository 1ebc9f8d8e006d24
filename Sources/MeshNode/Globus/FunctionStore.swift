import FoundationEssentials
import Globus
import Trust

/// The functions that this node has registered with Globus Compute: sites allow functions by their UUID, and each registration makes a
/// new one, so it is done once and kept.
///
/// `globus-functions.json` in the state directory: UUIDs by the SHA-256 of name and source.
struct FunctionStore: Sendable {
    /// One of ours.
    struct Function: Sendable {
        let name: String
        let source: String
        let summary: String
        /// Whether anybody may run it, at endpoints that are open to them: needed where other sites' clients submit directly.
        var isPublic = false

        /// Answers a request beside an inference server.
        static var inference: Function {
            Function(
                name: "meshnode_inference", source: GlobusFunctions.inferenceSource,
                summary: "MeshNode: asks the inference server and streams its answer to the node")
        }

        /// Tells which models run.
        static var status: Function {
            Function(
                name: "meshnode_status", source: GlobusFunctions.statusSource,
                summary: "MeshNode: which models run, start or queue")
        }

        /// The same function, open to anybody.
        var opened: Function {
            var function = self
            function.isPublic = true
            return function
        }

        /// Changes with the source: a new version is registered anew.
        var digest: String {
            Digest.hex(Digest.sha256(Array((name + "\n" + source + (isPublic ? "\npublic" : "")).utf8)))
        }

        func registration(_ strategy: FunctionRegistration.Strategy = .pureSource, group: String? = nil)
            -> FunctionRegistration
        {
            FunctionRegistration(
                name: name, source: source, strategy: strategy, description: summary, public: isPublic, group: group)
        }
    }

    let path: String

    init(stateDirectory: String) { path = stateDirectory + "/globus-functions.json" }

    /// The UUID that a function is registered by; nil: not yet. One that is open to anybody serves where that is not needed too.
    func identifier(of function: Function) -> String? {
        let entries = entries()
        return entries[function.opened.digest] ?? entries[function.digest]
    }

    /// Keeps the UUID of a function.
    func keep(_ identifier: String, for function: Function) throws(CommandFailure) {
        var entries = entries()
        entries[function.digest] = identifier
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            try SecretFile.write(path, Array(try encoder.encode(entries)))
        } catch { throw CommandFailure(exitCode: 1, message: "\(path) cannot be written: \(error)") }
    }

    private func entries() -> [String: String] {
        guard let bytes = try? SecretFile.read(path) else { return [:] }
        return (try? JSONDecoder().decode([String: String].self, from: Data(bytes))) ?? [:]
    }
}
