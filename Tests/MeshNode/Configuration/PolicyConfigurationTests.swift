import Gossip
import Testing

@testable import MeshNode

private let group = "1f1a2b3c-0000-4000-8000-00000000000a"

private func decode(_ fields: String) throws(ConfigurationErrors) -> NodeConfiguration {
    let text = """
        {
          federation: "demo", site: "argonne", node: "a1",
          listen: { api: "127.0.0.1:8101", mesh: "127.0.0.1:8201" },
          trust: { caFile: "ca.pem", certificateFile: "node.pem", keyFile: "node.key" }, stateDirectory: "./state",
          \(fields)
        }
        """
    return try Decoding.decode(
        Array(text.utf8), file: "node.json5", directory: "/etc/site", validatingFiles: false, NodeConfiguration.decode)
}

private let whole = """
    access: { vouching: { alcf: ["ANL.gov", "uchicago.edu"], "nersc": ["*"], lrz: [] } },
    data: {
      classes: {
        phi: { paths: ["onSite"], description: "patients' data" },
        "export-controlled": { paths: ["onSite", "peer"] },
      },
      residency: [{ domains: ["ANL.gov"], sites: ["argonne", "alcf"] }, { sites: ["argonne"], users: ["static:ci"] }],
      assumed: [{ groups: ["\(group.uppercased())"], class: "phi" }],
    },
    models: [
      { id: "m", backend: { kind: "openai", url: "http://h:1" }, dataClasses: ["phi", "export-controlled"], highAssurance: true },
      { id: "c", backend: { kind: "openai", url: "https://h", path: "peer" } },
      { id: "f", backend: { kind: "first", url: "http://h", cluster: "c", framework: "f", tokenFile: "t" } },
    ],
    """

@Suite struct PolicyConfigurationTests {
    @Test func everyFieldIsReadAndComesBackFromItsOwnRendering() throws {
        let node = try decode(whole)
        #expect(node.access.vouching == ["alcf": ["anl.gov", "uchicago.edu"], "nersc": ["*"], "lrz": []])
        #expect(node.data["phi"] == DataClass(name: "phi", paths: [.onSite], description: "patients' data"))
        #expect(node.data["export-controlled"]?.paths == [.onSite, .peer])
        #expect(
            node.data.residency == [
                DataPolicy.Residency(users: AccessRule(domains: ["anl.gov"]), sites: ["argonne", "alcf"]),
                DataPolicy.Residency(users: AccessRule(users: ["static:ci"]), sites: ["argonne"]),
            ])
        #expect(node.data.assumed == [DataPolicy.Assumed(users: AccessRule(groups: [group]), dataClass: "phi")])
        let variants = node.models.map { $0.variant(of: node) }
        #expect(variants.map(\.path) == [.onSite, .peer, .globusCloud])
        #expect(variants[0].highAssurance && variants[0].dataClasses == ["phi", "export-controlled"])
        let again = try Decoding.decode(
            Array(node.render().utf8), file: "node.json5", directory: "/", validatingFiles: false, NodeConfiguration.decode)
        #expect(again.models == node.models && again.data == node.data && again.access == node.access)
    }

    @Test(arguments: [
        (#"access: { vouching: { "Not A Site": [] } }"#, "a site's name"),
        (#"access: { vouching: { alcf: ["no domain"] } }"#, "a domain"),
        (#"data: { classes: { phi: { paths: [] } } }"#, "paths"),
        (#"data: { classes: { phi: {} } }"#, "paths"),
        (#"data: { classes: { phi: { paths: ["byPost"] } } }"#, "globusCloud"),
        (#"data: { classes: { "P H I": { paths: ["onSite"] } } }"#, "a name such as phi"),
        (#"data: { residency: [{ domains: ["anl.gov"] }] }"#, "sites"),
        (#"data: { residency: [{ site: "a", sites: ["a"] }] }"#, "unknown key"),
        (#"data: { assumed: [{ class: "phi" }] }"#, "does not define"),
        (
            #"models: [{ id: "m", backend: { kind: "simulated", url: "http://h" }, dataClasses: ["phi"] }]"#,
            "does not define"
        ),
        (#"models: [{ id: "m", backend: { kind: "simulated", url: "http://h", path: "air" } }]"#, "onSite"),
        (
            #"data: { classes: { phi: { paths: ["onSite"] } } }, "#
                + #"models: [{ id: "m", backend: { kind: "simulated", url: "http://h", path: "peer" }, dataClasses: ["phi"] }]"#,
            "no such data could ever"
        ),
        (
            #"globusCompute: { clientId: "c", secretFile: "s" }, models: [{ id: "m", "#
                + #"backend: { kind: "globusCompute", endpoint: "\#(group)", path: "onSite" } }]"#,
            "goes through Globus Compute"
        ),
    ])
    func whatMakesNoSenseIsAnError(_ fields: String, _ words: String) {
        do {
            _ = try decode(fields)
            Issue.record("accepted: \(fields)")
        } catch { #expect(error.description.contains(words), "\(error.description)") }
    }
}
