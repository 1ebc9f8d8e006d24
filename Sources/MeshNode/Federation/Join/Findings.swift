import FoundationEssentials
import Glibc
import Transport

/// What `join` finds on a machine that its node may use: inference servers, credentials for Globus, a scheduler.
struct Findings: Sendable {
    /// An inference server that speaks the OpenAI API.
    struct Server: Sendable, Equatable {
        /// With `/v1`.
        var url: String
        /// nil: it wants a key, or does not answer.
        var models: [String]?
        /// Why its models are not known.
        var obstacle: String?
    }

    var servers: [Server] = []
    /// Client id for Globus Compute, and the variable that its secret is in.
    var globusClient: (id: String, secretVariable: String)?
    /// `PBS` or `Slurm`.
    var scheduler: String?

    /// Ports that inference servers use by default: vLLM, llama.cpp, Ollama, SGLang, TGI, LM Studio.
    static let usualPorts = [8000, 8080, 11434, 30000, 3000, 1234]
    private static let modelsAllowed = 64
    private static let answerBytes = 4 << 20

    /// Looks around.
    ///
    /// - Parameter servers: URLs that were named; nil: the usual ports of this machine are tried.
    static func look(servers: [String]?) throws(CommandFailure) -> Findings {
        var found = Findings()
        if let servers {
            for url in servers { found.servers.append(try ask(try base(url))) }
        } else {
            for port in usualPorts {
                guard let server = try? ask("http://127.0.0.1:\(port)/v1"), server.obstacle != unreachable else { continue }
                found.servers.append(server)
            }
        }
        found.globusClient = globus()
        found.scheduler = scheduler()
        return found
    }

    static let unreachable = "nothing answers there yet"

    private static func base(_ url: String) throws(CommandFailure) -> String {
        guard let address = WebAddress(url) else {
            throw CommandFailure(exitCode: 2, message: "--server: \(Quoting.excerpt(url)) is no URL http://HOST:PORT/v1")
        }
        var bare = url
        while bare.hasSuffix("/") { bare.removeLast() }
        return address.path.isEmpty || address.path == "/" ? bare + "/v1" : bare
    }

    private struct Models: Decodable {
        struct Model: Decodable { var id: String }
        var data: [Model]
    }

    private static func ask(_ url: String) throws(CommandFailure) -> Server {
        var server = Server(url: url)
        let request = WebRequest(
            url: url + "/models", fields: [(name: "Accept", value: "application/json")], timeoutSeconds: 3,
            answerBytes: answerBytes)
        do throws(WebError) {
            let answer = try Calls.send(request)
            switch answer.status {
            case 200:
                guard let models = try? JSONDecoder().decode(Models.self, from: Data(answer.body)).data else {
                    server.obstacle = "it answers, but tells no models as OpenAI's API does"
                    return server
                }
                let ids = models.map(\.id).filter { (1...256).contains($0.utf8.count) && Names.isModel($0) }
                server.models = Array(ids.prefix(modelsAllowed))
            case 401, 403: server.obstacle = "it wants a key: name it by keyFile or keyEnvironment"
            default: server.obstacle = "it answered \(answer.status)"
            }
        } catch { server.obstacle = unreachable }
        return server
    }

    private static func globus() -> (id: String, secretVariable: String)? {
        for (id, secret) in [
            ("GLOBUS_COMPUTE_CLIENT_ID", "GLOBUS_COMPUTE_CLIENT_SECRET"), ("GLOBUS_CLIENT_ID", "GLOBUS_CLIENT_SECRET"),
        ] {
            guard let value = Environment.value(id), Names.isUUID(value), Environment.value(secret) != nil else { continue }
            return (value, secret)
        }
        return nil
    }

    private static func scheduler() -> String? {
        let folders = (Environment.value("PATH") ?? "").split(separator: ":").map(String.init)
        func has(_ program: String) -> Bool { folders.contains { access("\($0)/\(program)", X_OK) == 0 } }
        if has("sbatch") { return "Slurm" }
        return has("qsub") && has("qstat") ? "PBS" : nil
    }
}
