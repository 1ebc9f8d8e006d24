import Glibc
import Routing
import Testing

@testable import MeshNode

/// Loading from files: round trip, relative paths, files that are named.
@Suite struct NodeConfigurationFileTests {
    private static let start: Starter.Settings = {
        var start = Starter.Settings()
        start.command = ["sbatch", "a b"]
        start.sites = ["*"]
        start.expectedSeconds = 90
        start.isKept = true
        start.stop = ["scancel", "\"n\""]
        start.idleSeconds = 7200
        return start
    }()

    static let full = NodeConfiguration(
        federation: "demo.example.org", site: "argonne", node: "a1",
        listen: ListenConfiguration(
            api: ListenAddress(address: "0.0.0.0", port: 8101), mesh: ListenAddress(address: "::1", port: 0),
            admin: ListenAddress(address: "127.0.0.1", port: 8301)),
        advertise: AdvertiseConfiguration(api: "https://mesh.example.org", mesh: "https://[2001:db8::1]:8201"),
        tls: CertificateConfiguration(certificateFile: "/k/api.pem", keyFile: "/k/api \"key\".pem"),
        trustedProxies: ["10.0.0.0/8", "2001:db8::/32"].compactMap { AddressRange($0) },
        trust: TrustConfiguration(caFile: "/k/ca.pem", certificateFile: "/k/node.pem", keyFile: "/k/\\é.pem"),
        seeds: [HostAndPort(host: "b.example.org", port: 8201), HostAndPort(host: "::1", port: 1)],
        stateDirectory: "/var/lib/meshnode",
        tokens: [TokenConfiguration(name: "ci", role: .operator, sha256: String(repeating: "0f", count: 32))],
        loops: 2,
        limits: LimitConfiguration(
            bodyBytes: 2048, heldBodiesBytes: 4096, connections: 7, queueRequests: 0, queueSeconds: 0.25),
        routing: RoutingPolicies(
            usual: RoutingPolicies.Rule(.latency),
            models: [
                "n": RoutingPolicies.Rule(.pinned, sites: ["argonne", "b.other.org"]), "s": RoutingPolicies.Rule(.home),
            ], hedge: HedgeRule(promptTokens: 77, share: 0.005)),
        timeouts: TimeoutConfiguration(headSeconds: 0.1, connectSeconds: 1.5, startSeconds: 0, streamKeepAliveSeconds: 1),
        health: HealthConfiguration(intervalSeconds: 0.2, timeoutSeconds: 1),
        log: LogConfiguration(level: .debug, format: .json), fips: .required,
        receipts: ReceiptConfiguration(
            recentCount: 99, recentBytes: 262_144, sampledShare: 0.125, keptCount: 0, keptBytes: 1_048_576, keptDays: 3650),
        models: [
            ModelConfiguration(
                id: "org/model:8b", aliases: ["m", "default"],
                backend: .openAI(
                    OpenAIBackend(
                        url: "https://10.0.0.1:8000/v1", keyFile: "/k/key", caFile: "/k/ca", upstreamModel: "a model",
                        slots: 4)),
                description: ModelDescription(
                    repository: "org/model", revision: "abc", dtype: "bf16", engine: "vLLM", contextTokens: 8192,
                    capabilities: [.chat, .tools]),
                policy: .local, start: start),
            ModelConfiguration(
                id: "n", backend: .openAI(OpenAIBackend(url: "http://h/v1", keyEnvironment: "API_KEY")),
                description: ModelDescription(capabilities: []), start: Starter.Settings()),
            ModelConfiguration(
                id: "f",
                backend: .first(
                    FirstBackend(
                        url: "https://first.example.org/resource_server", cluster: "sophia", framework: "vllm",
                        upstreamModel: "org/model", slots: 9, caFile: "/k/ca", walltimeSeconds: 86400,
                        token: TokenClientConfiguration(
                            clientID: "id", secretFile: "/k/secret", scope: "https://auth.globus.org/scopes/id/action_all",
                            authURL: "https://auth.example.org")))),
            ModelConfiguration(
                id: "p",
                backend: .first(
                    FirstBackend(
                        url: "http://h", cluster: "c", framework: "f",
                        tokenCommand: TokenCommandConfiguration(arguments: ["a \"b\"", "$c"], seconds: 60)))),
            ModelConfiguration(id: "t", backend: .openAI(OpenAIBackend(url: "http://h/v1", tokenFile: "/k/token"))),
            ModelConfiguration(id: "s", backend: .simulated(url: "http://127.0.0.1:9000")),
        ])

    static let small = NodeConfiguration(
        federation: "d", site: "a", node: "a1", listen: ListenConfiguration(api: .loopback, mesh: .loopback),
        trust: TrustConfiguration(caFile: "/a", certificateFile: "/b", keyFile: "/c"), stateDirectory: "/s")

    @Test("what is rendered reads as it was", arguments: [full, small])
    func roundTrip(node: NodeConfiguration) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("node.json5", node.render())
        #expect(try NodeConfiguration.load(path: path) == node)
        #expect(node.render().contains("// "))
    }

    @Test("named files must be readable where that is asked")
    func files() throws {
        let directory = try TemporaryDirectory()
        let here = directory.path
        var node = Self.small
        node.trust = TrustConfiguration(caFile: here, certificateFile: "\(here)/node.pem", keyFile: "\(here)/absent.key")
        node.stateDirectory = "\(here)/node.pem"
        _ = try directory.write("node.pem", "x")
        let path = try directory.write("node.json5", node.render())
        #expect(try NodeConfiguration.load(path: path) == node)
        let error = #expect(throws: ConfigurationErrors.self) {
            try NodeConfiguration.load(path: path, validatingFiles: true)
        }
        #expect(error?.errors.map(\.field) == ["trust.caFile", "trust.keyFile", "stateDirectory"])
        let messages = error?.errors.map(\.message) ?? []
        #expect(messages.first?.contains("cannot be read: Is a directory") == true)
        #expect(messages.contains { $0.contains("absent.key\" cannot be read: No such file or directory") })
        #expect(messages.last?.contains("Not a directory") == true)
        let checked = #expect(throws: ConfigurationErrors.self) { try CheckedFile.load(path: path) }
        #expect(checked == error)
    }

    @Test("relative paths begin at the file, whatever the working directory")
    func relative() throws {
        let directory = try TemporaryDirectory()
        var node = Self.small
        node.trust.caFile = "keys/ca.pem"
        node.stateDirectory = "."
        let read = try NodeConfiguration.load(path: try directory.write("node.json5", node.render()))
        #expect(read.trust.caFile == "\(directory.path)/keys/ca.pem" && read.stateDirectory == directory.path)
        #expect(ConfigurationFile.directory(of: "node.json5").hasPrefix("/"))
        #expect(ConfigurationFile.directory(of: "/node.json5") == "")
        #expect(ConfigurationFile.resolve("../a", in: "/b") == "/b/../a")
    }

    @Test(
        "a file that cannot be read is said to be so",
        arguments: [
            ("/nonexistent/node.json5", "No such file or directory"), ("/", "Is a directory"),
        ])
    func unreadable(path: String, reason: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try NodeConfiguration.load(path: path) }
        #expect(error?.description == "\(path): cannot be read: \(reason)")
    }

    @Test("an endless file is read to the limit")
    func endless() {
        let error = #expect(throws: ConfigurationErrors.self) { try NodeConfiguration.load(path: "/dev/zero") }
        #expect(error?.description.contains("longer than 1 MiB") == true)
    }
}
