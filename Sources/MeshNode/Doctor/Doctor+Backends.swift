import CLinux
import API
import Globus
import Routing
import Transport

/// What is behind the models: whether it answers, takes the key, and has them.
extension Doctor {
    private static let probeSeconds: UInt64 = 10

    mutating func backends(_ worker: Worker) {
        let log = Logger(level: .error, json: false, source: "doctor")
        let backends: Backends
        do throws(CommandFailure) {
            backends = try Backends(configuration, site: nil, proxy: try configuration.proxy?.httpProxy(), log: log)
        } catch { return add([.fail("backend", error.message)]) }
        for server in backends.servers {
            let probe = Blocking.run {
                await worker.run { context in
                    await server.probe(context.pool, deadline: mesh_monotonic_ns() &+ Self.probeSeconds * 1_000_000_000)
                }
            }
            let models = backends.models.filter { $0.runs(on: server) }
            add(Self.judge(probe, server, wanted: models.map(\.upstreamModel)))
        }
        globus(log)
        if configuration.models.isEmpty {
            add([.ok("backend", "no models: this node only takes requests and sends them to other sites")])
        }
    }

    static func judge(_ probe: ServerProbe, _ server: InferenceServer, wanted: [String]) -> [Finding] {
        let name = "\(server.upstream.target)\(server.basePath)"
        switch probe {
        case .lists(let models?):
            let missing = wanted.filter { !models.contains($0) }
            guard missing.isEmpty else {
                let has = models.prefix(5).joined(separator: ", ")
                return [
                    .warn(
                        "backend", "\(name) answers, but does not list \(missing.joined(separator: ", ")); it lists \(has)",
                        "set upstreamModel of the model's backend to its name there")
                ]
            }
            return [
                .ok(
                    "backend",
                    "\(name) answers\(server.hasKey ? ", takes the key" : "") and lists \(wanted.joined(separator: ", "))")
            ]
        case .lists(nil): return [.ok("backend", "\(name) answers\(server.hasKey ? " and takes the key" : "")")]
        case .refusesKey(let status):
            return [
                .fail(
                    "backend", "\(name) answers \(status)\(server.hasKey ? ": it refuses the key" : ": it wants a key")",
                    "look at keyFile, keyEnvironment, tokenFile or tokenCommand of the model's backend")
            ]
        case .answers(let status):
            return [
                .fail("backend", "\(name) answers \(status) to /v1/models", "is its url the server's base URL with /v1?")
            ]
        case .unreachable(let why):
            return [.fail("backend", "\(name) is not reached: \(why)", "does the inference server run, and listen there?")]
        }
    }

    /// The client alone: `meshnode globus check` tries the endpoints, which takes nodes of a cluster.
    private mutating func globus(_ log: Logger) {
        guard let compute = configuration.globusCompute else { return }
        let scheme = configuration.tls == nil ? "http" : "https"
        do throws(CommandFailure) {
            let site = try GlobusSite(
                configuration, compute, apiURL: configuration.advertise.api ?? "\(scheme)://\(configuration.listen.api)",
                log: log)
            defer { site.stop() }
            let check = GlobusCheck(site: site, compute: compute, models: [], taskSeconds: 1)
            do throws(CheckFailure) {
                let says = try Blocking.run { () async throws(CheckFailure) in try await check.token() }
                add([.ok("globus", "\(says); endpoints and functions: meshnode globus check")])
            } catch { add([.fail("globus", error.says, error.advice)]) }
        } catch { add([.fail("globus", error.message)]) }
    }
}
