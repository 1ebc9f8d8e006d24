import Gossip
import Testing

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

@Suite struct GossipConfigurationTests {
    @Test func withoutItTheDefaultsHold() throws {
        let node = try decode("")
        #expect(node.gossip == Settings())
        #expect(!node.render().contains("gossip:"))
    }

    @Test(
        "what is written is read again",
        arguments: [
            "gossip: { bytesPerSecond: 65536, burstBytes: 262144, peersPerTick: 8 }",
            "gossip: { periodSeconds: 2.5, deltaRecords: 32, bytesPerOrigin: 8192, memoryBytes: 1048576 }",
            "gossip: { activePeers: 8, activeViewAbove: 16, rotationSeconds: 30 }",
            "gossip: { highestVersion: 1 }",
        ])
    func roundTrip(_ fields: String) throws {
        let node = try decode(fields)
        #expect(node.gossip != Settings())
        let again = try Decoding.decode(
            Array(node.render().utf8), file: "node.json5", directory: "/", validatingFiles: false, NodeConfiguration.decode)
        #expect(again == node)
    }

    /// Each setting by name, at both ends of the range that the machine keeps it to.
    @Test func eachSettingIsNamed() throws {
        for setting in SettingField.all
        where !setting.name.hasSuffix("OverheadBytes")
            && setting.name != "acknowledgementBytes"
        {
            #expect(throws: ConfigurationErrors.self) { try decode("gossip: { \(setting.name): -1 }") }
            #expect(throws: ConfigurationErrors.self) { try decode("gossip: { \(setting.name): 'many' }") }
        }
        // Every field of `Settings` has a name here: what is added there must be added to the table.
        let fields = Mirror(reflecting: Settings()).children.compactMap { $0.label.map { String($0.dropFirst()) } }
        #expect(SettingField.all.map(\.name).sorted() == fields.sorted())
    }

    @Test(
        "each rule: line 3, the field, and what is allowed",
        arguments: [
            ("bytesPerSecond: 100", "3: gossip.bytesPerSecond: found 100; allowed: a number from 4096 to 16777216"),
            ("deltaRecords: 0", "3: gossip.deltaRecords: found 0; allowed: an integer from 1 to 256"),
            ("periodSeconds: 0", "3: gossip.periodSeconds: found 0; allowed: a number of seconds from 0.05 to 60"),
            ("bytesPerSec: 1", "gossip.bytesPerSec: unknown key; did you mean `bytesPerSecond`?"),
            ("requestOverheadBytes: 1", "gossip.requestOverheadBytes: unknown key"),
            ("lowestVersion: 2, highestVersion: 1", "gossip.highestVersion: lowestVersion is 2, highestVersion 1"),
            ("deadAfterSeconds: 2", "gossip.deadAfterSeconds: a node would be dead before it is unreachable"),
        ])
    func rules(fields: String, wanted: String) {
        #expect { try decode("gossip: { \(fields) }") } throws: { "\($0)".contains(wanted) }
    }
}
