import Routing
import Testing

@testable import MeshNode

private func decode(_ text: String) throws(ConfigurationErrors) -> Topology {
    try Decoding.decode(Array(text.utf8), file: "t.json5", directory: "/t", validatingFiles: false, Topology.decode)
}

private func site(_ fields: String) -> String { "{ federation: 'demo', sites: [\n{ site: 'alpha', \(fields) }] }" }
private func model(_ fields: String) -> String { site("models: [{ id: 'm', backend: { kind: 'simulated' }, \(fields) }]") }
private func simulated(_ fields: String) -> String {
    site("models: [{ id: 'm', backend: { kind: 'simulated', \(fields) } }]")
}

@Suite struct TopologyTests {
    @Test("defaults")
    func defaults() throws {
        let topology = try decode(model("contextTokens: 4096"))
        #expect(topology.sites[0].nodes == [Topology.Node(node: "a1", apiPort: 0, meshPort: 0)])
        #expect(topology.tokens == nil && topology.timing == Topology.Timing() && topology.loops == 0)
        let model = topology.sites[0].models[0]
        #expect(model.state == .running && model.policy == .federation)
        var server = SimulatedServer()
        server.contextTokens = 4096
        #expect(model.backend == .simulated(server))
    }

    @Test("all fields")
    func allFields() throws {
        let topology = try decode(
            """
            { federation: 'demo', description: 'what it shows', loops: 2, limits: { queueRequests: 3 },
              routing: { models: [{ id: 'm', policy: 'spread' }] },
              tokens: { user: 'user-token-123456', viewer: 'viewer-token-1234', operator: 'operator-token-12' },
              timing: { timeouts: { headSeconds: 1 }, health: { intervalSeconds: 0.5 } },
              sites: [{ site: 'alpha', nodes: [{ node: 'x', apiPort: 1, meshPort: 2 }, { node: 'y' }], models: [
                { id: 'm', aliases: ['n'], state: 'stopped', policy: 'local', dtype: 'Q4_1',
                  revision: 'r', repository: 'o/m',
                  capabilities: ['chat'], contextTokens: 100,
                  backend: { kind: 'simulated', timeToFirstTokenSeconds: 0, tokensPerSecond: 1.5, slots: 2,
                             startupSeconds: 3, failureRate: 0.25, contextTokens: 50 } },
                { id: 'o', backend: { kind: 'openai', url: 'http://127.0.0.1:9101/v1', keyFile: 'key' } }] }] }
            """)
        #expect(topology.timing.timeouts.headSeconds == 1 && topology.limits.queueRequests == 3 && topology.loops == 2)
        #expect(topology.routing.models["m"]?.policy == .spread && topology.routing.usual.policy == .best)
        #expect(topology.tokens?.viewer == "viewer-token-1234")
        #expect(topology.sites[0].nodes.map(\.apiPort) == [1, 0])
        #expect(topology.sites[0].models[0].state == .stopped && topology.sites[0].models[0].description.dtype == "Q4_1")
        #expect(
            topology.sites[0].models[0].backend
                == .simulated(
                    SimulatedServer(
                        timeToFirstTokenSeconds: 0, tokensPerSecond: 1.5, slots: 2, startupSeconds: 3, failureRate: 0.25,
                        contextTokens: 50)))
        #expect(
            topology.sites[0].models[1].backend
                == .given(.openAI(OpenAIBackend(url: "http://127.0.0.1:9101/v1", keyFile: "/t/key")))
        )
    }

    @Test(
        "each rule",
        arguments: [
            ("{ federation: 'demo' }", "1: sites: is missing; allowed: a list of 1 to 64"),
            ("{ federation: 'demo', sites: [] }", "1: sites: found a list of 0; allowed: a list of 1 to 64"),
            ("{ sites: [{ site: 'a' }] }", "1: federation: is missing"),
            (
                "{ federation: 'd', sites: [{ site: 'a' },\n{ site: 'a' }] }",
                "2: sites[1].site: found \"a\", which line 1 has"
            ),
            ("{ federation: 'd', site: [] }", "1: site: unknown key; did you mean `sites`?"),
            (site("nodes: []"), "2: sites[0].nodes: found a list of 0; allowed: a list of 1 to 16"),
            (site("nodes: [{}]"), "2: sites[0].nodes[0].node: is missing"),
            (site("nodes: [{ node: 'a' }, { node: 'a' }]"), "2: sites[0].nodes[1].node: found \"a\", which line 2 has"),
            (
                site("nodes: [{ node: 'a', apiPort: 5, meshPort: 5 }]"),
                "2: sites[0].nodes[0].meshPort: found 5, which line 2"
            ),
            (site("nodes: [{ node: 'a', apiPort: 65536 }]"), "2: sites[0].nodes[0].apiPort: found 65536"),
            (site("nodes: [{ node: 'a', port: 1 }]"), "2: sites[0].nodes[0].port: unknown key"),
            (model("state: 'run'"), "2: sites[0].models[0].state: found \"run\"; allowed: \"running\", \"starting\""),
            (model("state: 'unknown'"), "2: sites[0].models[0].state: found \"unknown\""),
            (model("aliases: ['m']"), "2: sites[0].models[0].aliases[0]: found \"m\", which line 2"),
            (
                simulated("tokenPerSecond: 5"),
                "2: sites[0].models[0].backend.tokenPerSecond: unknown key; did you mean `tokensPerSecond`?"
            ),
            (
                simulated("tokensPerSecond: 0"),
                "2: sites[0].models[0].backend.tokensPerSecond: found 0; allowed: a number from 0.1 to 1000000"
            ),
            (
                simulated("failureRate: 1.1"),
                "2: sites[0].models[0].backend.failureRate: found 1.1; allowed: a number from 0 to 1"
            ),
            (simulated("slots: 0"), "2: sites[0].models[0].backend.slots: found 0"),
            (simulated("timeToFirstTokenSeconds: -1"), "2: sites[0].models[0].backend.timeToFirstTokenSeconds: found -1"),
            (simulated("startupSeconds: Infinity"), "2: sites[0].models[0].backend.startupSeconds: found Infinity"),
            (simulated("url: 'http://h'"), "2: sites[0].models[0].backend.url: unknown key"),
            (
                site("models: [{ id: 'm', backend: { kind: 'first' } }]"),
                "2: sites[0].models[0].backend.cluster: is missing; allowed: a name of the gateway's catalog"
            ),
            (
                "{ federation: 'd', tokens: { user: 'short' }, sites: [{ site: 'a' }] }",
                "1: tokens.user: found \"short\"; allowed: a token"
            ),
            ("{ federation: 'd', tokens: {}, sites: [{ site: 'a' }] }", "1: tokens.user: is missing"),
            (
                "{ federation: 'd', timing: { tick: 1 }, sites: [{ site: 'a' }] }",
                "1: timing.tick: unknown key; allowed: timeouts, health"
            ),
        ])
    func rules(text: String, expected: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try decode(text) }
        let lines = error?.description.split(separator: "\n").map(String.init) ?? []
        #expect(lines.contains { $0.hasPrefix("t.json5:\(expected)") }, "\(error?.description ?? "no error")")
    }

    @Test("counts are limited")
    func counts() throws {
        func file(sites: Int, modelsEach: Int) -> String {
            let models = (0..<modelsEach).map { "{id:'m\($0)',backend:{kind:'simulated'}}" }.joined(separator: ",")
            return
                "{federation:'d',sites:[\((0..<sites).map { "{site:'s\($0)',models:[\(models)]}" }.joined(separator: ","))]}"
        }
        #expect(try decode(file(sites: 64, modelsEach: 4)).sites.count == 64)
        for (sites, models, message) in [(65, 0, "found a list of 65"), (2, 129, "found 258 models in all sites together")] {
            let error = #expect(throws: ConfigurationErrors.self) { try decode(file(sites: sites, modelsEach: models)) }
            #expect(error?.description.contains(message) == true)
        }
    }

    @Test("the shipped files are clean", arguments: ["demo.json5", "real-llm.json5"])
    func shippedFiles(name: String) throws {
        let path = try shipped(name)
        #expect(try CheckedFile.load(path: path) == .topology(Topology.load(path: path)))
    }

    @Test("in the demonstration every model survives the loss of any one site, and the first site lacks one")
    func demonstration() throws {
        let sites = try Topology.load(path: shipped("demo.json5")).sites
        #expect(sites.count == 3)
        var holders: [String: Set<String>] = [:]
        for site in sites {
            for model in site.models { holders[model.id, default: []].insert(site.site) }
        }
        #expect(holders.values.allSatisfy { $0.count >= 2 })
        #expect(holders.values.contains { $0.count == 3 })
        #expect(holders.values.contains(Set(sites[1...].map(\.site))))
    }

    @Test("with the real model, the second and third site have it and the first has not")
    func realModel() throws {
        let sites = try Topology.load(path: shipped("real-llm.json5")).sites
        let urls = sites.map { site in
            site.models.compactMap { model in
                if case .given(.openAI(let server)) = model.backend { "\(model.id) \(server.url)" } else { nil }
            }
        }
        #expect(
            urls == [
                [], ["smollm2-135m-instruct http://127.0.0.1:9101/v1"], ["smollm2-135m-instruct http://127.0.0.1:9102/v1"],
            ])
    }
}
