import Routing
import Testing

@testable import MeshNode

private func decode(_ admission: String) throws(ConfigurationErrors) -> NodeConfiguration {
    let text = """
        { federation: "demo", site: "argonne", node: "a1", listen: { api: "127.0.0.1:8101", mesh: "127.0.0.1:8201" },
          trust: { caFile: "ca.pem", certificateFile: "node.pem", keyFile: "node.key" }, stateDirectory: "state",
          limits: { queueRequests: 9, queueSeconds: 3 },
          models: [{ id: "m", backend: { kind: "openai", url: "http://h/v1" }, admission: { \(admission) } }] }
        """
    return try Decoding.decode(
        Array(text.utf8), file: "node.json5", directory: "/", validatingFiles: false, NodeConfiguration.decode)
}

private func settings(_ admission: String, measures: Bool = false) throws -> Gate.Settings {
    let node = try decode(admission)
    return Gate.Settings(try #require(node.models.first).admission, node.limits, measures: measures)
}

@Suite struct AdmissionConfigurationTests {
    @Test(
        "what is written is read again",
        arguments: [
            "", "queueRequests: 0, queueSeconds: 0.5", "batchShare: 0.25, feedback: true, mostSlots: 64", "feedback: false",
        ])
    func roundTrip(_ fields: String) throws {
        let node = try decode(fields)
        let again = try Decoding.decode(
            Array(node.render().utf8), file: "node.json5", directory: "/", validatingFiles: false, NodeConfiguration.decode)
        #expect(again == node)
        #expect(node.render().contains("admission:") == !fields.isEmpty)
    }

    @Test(
        "what is out of range, or not known, is refused",
        arguments: [
            "queueRequests: -1", "queueRequests: 100001", "queueSeconds: -1", "queueSeconds: 3601", "batchShare: 1",
            "batchShare: -0.1", "feedback: 'yes'", "mostSlots: 0", "mostSlots: 1e9", "queue: 3",
        ])
    func refused(_ fields: String) {
        #expect(throws: ConfigurationErrors.self) { try decode(fields) }
    }

    @Test("what a model does not say holds for all models") func defaults() throws {
        let common = try settings("")
        #expect(common.queueLimit == 9 && common.queueNanoseconds == 3_000_000_000 && common.batchShare == 0.125)
        let own = try settings("queueRequests: 2, queueSeconds: 0.5, batchShare: 0.5, mostSlots: 7")
        #expect(own.queueLimit == 2 && own.queueNanoseconds == 500_000_000 && own.batchShare == 0.5 && own.mostSlots == 7)
    }

    @Test("slots are measured where nobody tells them, unless it is said otherwise") func feedback() throws {
        #expect(try settings("").feedback == .off)
        #expect(try settings("", measures: true).feedback == .whereUnknown)
        #expect(try settings("feedback: false", measures: true).feedback == .off)
        #expect(try settings("feedback: true").feedback == .on)
    }
}
