import Routing
import Testing

@testable import MeshNode

/// `start` of a model.
@Suite struct StartConfigurationTests {
    private func decode(_ start: String, backend: String = "kind: 'openai', url: 'http://h/v1'") throws(ConfigurationErrors)
        -> Starter.Settings?
    {
        let text = """
            {
              federation: "demo.example.org", site: "argonne", node: "a1",
              listen: { api: "127.0.0.1:8101", mesh: "127.0.0.1:8201" },
              trust: { caFile: "ca.pem", certificateFile: "node.pem", keyFile: "node.key" },
              stateDirectory: "./state",
              models: [{ id: "m", backend: { \(backend) },
                start: { \(start) } }],
            }
            """
        return try Decoding.decode(
            Array(text.utf8), file: "node.json5", directory: "/etc/site", validatingFiles: false, NodeConfiguration.decode
        ).models.first?.start
    }

    private static let first = "kind: 'first', url: 'https://h', cluster: 'c', framework: 'f', tokenFile: '/t'"

    @Test func aPinAndARelease() throws {
        let start = try #require(
            try decode("command: ['a', 'b'], keep: true, stop: ['c', 'd e'], idleSeconds: 7200, expectedSeconds: 900"))
        #expect(start.isKept && start.stop == ["c", "d e"] && start.idleSeconds == 7200 && start.expectedSeconds == 900)
        let plain = try #require(try decode("command: ['a']"))
        #expect(!plain.isKept && plain.stop == nil && plain.idleSeconds == nil && plain.expectedSeconds == nil)
        // What a first request starts needs no command.
        #expect(try #require(try decode("keep: true", backend: Self.first)).isKept)
        #expect(try #require(try decode("stop: ['qdel'], idleSeconds: 60", backend: Self.first)).idleSeconds == 60)
    }

    @Test(arguments: [
        ("command: ['a'], idleSeconds: 60", "models[0].start.idleSeconds: stands without stop; allowed: both or neither"),
        ("command: ['a'], stop: ['b']", "models[0].start.stop: stands without idleSeconds; allowed: both or neither"),
        ("command: ['a'], stop: [], idleSeconds: 60", "models[0].start.stop: found"),
        ("command: ['a'], stop: 'b', idleSeconds: 60", "models[0].start.stop: found"),
        ("command: ['a'], stop: ['b'], idleSeconds: 0", "models[0].start.idleSeconds: found 0"),
        ("command: ['a'], stop: ['b'], idleSeconds: 2592001", "models[0].start.idleSeconds: found 2592001"),
        ("command: ['a'], keep: 'yes'", "models[0].start.keep: found"),
        ("keep: true", "models[0].start.keep: stands without command"),
        ("stop: ['b'], idleSeconds: 60", "models[0].start.stop: stands without command"),
        ("command: ['a'], kept: true", "models[0].start.kept: unknown key"),
        ("command: ['a'], expectedSeconds: 0.5", "models[0].start.expectedSeconds: found 0.5"),
    ])
    func whatIsWrongIsNamed(start: String, message: String) {
        let found = #expect(throws: ConfigurationErrors.self) { try decode(start) }
        #expect(found.map { "\($0)" }?.contains(message) == true, "\(found.map { "\($0)" } ?? "")")
    }

    @Test func aTopologysToo() {
        let text = """
            { federation: "d", sites: [{ site: "a", models: [
              { id: "m", backend: { kind: "simulated" }, start: { keep: true } } ] }] }
            """
        let found = #expect(throws: ConfigurationErrors.self) {
            try Decoding.decode(
                Array(text.utf8), file: "t.json5", directory: "/", validatingFiles: false, Topology.decode)
        }
        #expect(found.map { "\($0)" }?.contains("start.keep: stands without command") == true)
    }
}
