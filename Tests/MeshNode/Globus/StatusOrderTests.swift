import API
import Globus
import Routing
import Testing

@testable import MeshNode

/// What the status function is asked: one order for all models of an endpoint.
@Suite struct StatusOrderTests {
    private func globus(_ url: String, _ edit: (inout GlobusComputeBackend) -> Void = { _ in }) -> GlobusComputeBackend {
        var globus = GlobusComputeBackend(endpoint: "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9")
        globus.serverURL = url
        globus.status.isOn = true
        edit(&globus)
        return globus
    }

    private func site() throws -> GlobusSite {
        let compute = GlobusComputeConfiguration(clientID: "11111111-1111-4111-8111-111111111111", secretEnvironment: "NONE")
        let node = NodeConfiguration(
            federation: "f", site: "a", node: "a1", listen: ListenConfiguration(api: .loopback, mesh: .loopback),
            trust: TrustConfiguration(caFile: "", certificateFile: "", keyFile: ""), stateDirectory: "/nonexistent")
        return try GlobusSite(
            node, compute, apiURL: "http://127.0.0.1:1", log: Logger(level: .error, json: false, source: "test"))
    }

    @Test func oneOrderNamesEveryServerAndModel() throws {
        let site = try site()
        defer { site.stop() }
        let order = site.status([
            ("first \"model\"", globus("http://127.0.0.1:8000/v1") { $0.serverKeyEnvironment = "KEY" }),
            ("second", globus("unix:/run/vllm.sock")),
        ])
        let value = try WireJSON.parse(try #require(order?.orderJSON))
        #expect(value["version"]?.integer == 1)
        let servers = try #require(value["servers"]?.items)
        #expect(servers.map { $0["url"]?.text } == ["http://127.0.0.1:8000", "unix:/run/vllm.sock"])
        #expect(servers.map { $0["models"]?.items?.first?.text } == ["first \"model\"", "second"])
        #expect(servers[0]["keyEnvironment"]?.text == "KEY")
    }

    @Test func anOrderOfTheSitesOwnIsPassedOn() throws {
        let site = try site()
        defer { site.stop() }
        let own = globus("http://127.0.0.1:8000") {
            $0.status.order = #"{"version": 1, "scheduler": "pbs"}"#
            $0.status.endpoint = "22222222-2222-4222-8222-222222222222"
            $0.status.intervalSeconds = 30
        }
        let order = try #require(site.status([("m", own)]))
        #expect(order.orderJSON == #"{"version": 1, "scheduler": "pbs"}"#)
        #expect(order.endpoint == "22222222-2222-4222-8222-222222222222")
        #expect(order.intervalSeconds == 30)
        #expect(site.status([("m", globus("http://h") { $0.status.isOn = false })]) == nil)
    }
}
