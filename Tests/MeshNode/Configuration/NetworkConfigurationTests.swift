import Gossip
import Testing
import Transport

@testable import MeshNode

private func decode(_ fields: String) throws(ConfigurationErrors) -> NodeConfiguration {
    let text = """
        { federation: "demo", site: "argonne", node: "a1", listen: { api: "127.0.0.1:8101", mesh: "127.0.0.1:8201" },
          trust: { caFile: "ca.pem", certificateFile: "node.pem", keyFile: "node.key" }, stateDirectory: "state",
          \(fields) }
        """
    return try Decoding.decode(
        Array(text.utf8), file: "node.json5", directory: "/etc/site", validatingFiles: false, NodeConfiguration.decode)
}

private func topology(_ site: String) throws(ConfigurationErrors) -> Topology {
    let text = "{ federation: 'demo', sites: [{ site: 'alpha' }, { site: 'beta', \(site) }] }"
    return try Decoding.decode(
        Array(text.utf8), file: "t.json5", directory: "/t", validatingFiles: false, Topology.decode)
}

@Suite struct NetworkConfigurationTests {
    @Test(
        "what is written is read again",
        arguments: [
            #"proxy: { url: "http://proxy.example:3128" }"#,
            #"proxy: { url: "http://proxy.example:3128", userFile: "/u", passwordFile: "/p", noProxy: [] }"#,
            #"proxy: { url: "http://proxy.example:3128", noProxy: [".lab.gov", "10.0.0.0/8", "host"] }"#,
            #"carriers: ["b.example:8201", "10.0.0.1:443"], parkedPerCarrier: 2"#,
            #"carrier: { enabled: true, parkedPerNode: 3, splices: 5, idleSeconds: 60 }"#,
            #"timeouts: { linkKeepAliveSeconds: 10 }"#,
        ])
    func roundTrip(_ fields: String) throws {
        let node = try decode(fields)
        let again = try Decoding.decode(
            Array(node.render().utf8), file: "node.json5", directory: "/", validatingFiles: false, NodeConfiguration.decode)
        #expect(again == node)
        #expect(node != (try decode("")))
    }

    @Test("this machine needs no proxy, unless an empty list says so")
    func bypass() throws {
        func covers(_ fields: String, _ host: String) throws -> Bool {
            let proxy = try #require(try decode("proxy: { url: 'http://p:1', \(fields) }").proxy)
            return try proxy.httpProxy().covers(host)
        }
        #expect(try !covers("", "127.0.0.1"))
        #expect(try !covers("noProxy: ['.lab.gov']", "localhost"))
        #expect(try !covers("noProxy: ['.lab.gov']", "x.lab.gov"))
        #expect(try covers("noProxy: ['.lab.gov']", "elsewhere.gov"))
        #expect(try covers("noProxy: []", "127.0.0.1"))
    }

    @Test(
        "each rule",
        arguments: [
            (#"proxy: { url: "https://p:1" }"#, "proxy.url"),
            (#"proxy: { url: "http://user:pw@p:1" }"#, "proxy.url"),
            (#"proxy: { url: "http://p:1", userFile: "/u" }"#, "proxy.passwordFile"),
            (#"proxy: { url: "http://p:1", noProxy: ["10.0.0.0/99"] }"#, "proxy.noProxy"),
            (#"carriers: ["b.example"]"#, "carriers"),
            (#"carriers: ["b.example:1", "b.example:1"]"#, "carriers"),
            (#"parkedPerCarrier: 2"#, "parkedPerCarrier"),
            (#"carriers: ["b.example:1"], carrier: { enabled: true }"#, "carrier"),
            (#"carrier: { enabled: "yes" }"#, "carrier.enabled"),
            (#"timeouts: { linkKeepAliveSeconds: 0 }"#, "timeouts.linkKeepAliveSeconds"),
        ])
    func rules(fields: String, wanted: String) {
        #expect { try decode(fields) } throws: { "\($0)".contains(" \(wanted)") }
    }

    @Test("a carrier that is not enabled carries nothing")
    func byChoice() throws {
        #expect(try decode("carrier: {}").carrier == nil)
        #expect(try decode("carrier: { enabled: false }").carrier == nil)
        #expect(try decode("carrier: { enabled: true }").carrier == CarrierConfiguration())
    }

    @Test("carriers of a topology's sites")
    func topologies() throws {
        let good = try topology("outboundOnly: true, carriers: ['alpha/a1']")
        #expect(good.carriers(of: good.sites[1]).map(\.description) == ["alpha/a1"])
        for bad in [
            "outboundOnly: true", "carriers: ['alpha']", "outboundOnly: true, carriers: ['beta']",
            "outboundOnly: true, carriers: ['gamma']", "outboundOnly: true, carriers: ['alpha/a2']",
        ] {
            #expect(throws: ConfigurationErrors.self) { try topology(bad) }
        }
    }
}
