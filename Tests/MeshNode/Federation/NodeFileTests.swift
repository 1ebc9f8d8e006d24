import Foundation
import Testing
import Trust

@testable import MeshNode

/// What `join` writes is what `serve` reads.
@Suite struct NodeFileTests {
    private func file(_ change: (inout NodeFile) -> Void = { _ in }) throws -> NodeFile {
        let invocation = Invocation(
            command: .federationJoin,
            values: ["--listen-api": "127.0.0.1:8101", "--listen-mesh": "10.1.0.5:8201"])
        var file = NodeFile(
            federation: "demo", site: "fourth", node: "n1", addresses: try NodeAddresses(invocation, local: "10.1.0.5"),
            seeds: ["mesh.example.org:8201"], findings: Findings(), operatorDigest: String(repeating: "a", count: 64))
        change(&file)
        return file
    }

    private func read(_ file: NodeFile) throws -> NodeConfiguration {
        let folder = FileManager.default.temporaryDirectory.path + "/nodefile-\(UInt64.random(in: 0 ... .max))"
        try SecretFile.makeDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try SecretFile.write(folder + "/node.json5", Array(file.render().utf8))
        return try NodeConfiguration.load(path: folder + "/node.json5")
    }

    @Test func aFileWithoutFindingsReadsBack() throws {
        let read = try read(try file())
        #expect(read.federation == "demo" && read.site == "fourth" && read.node == "n1" && read.models.isEmpty)
        #expect(read.listen.mesh.description == "10.1.0.5:8201" && read.seeds.first?.port == 8201)
        #expect(read.tokens.map(\.role) == [.operator] && read.trust.issuer == nil && read.tls == nil)
        #expect(read.stateDirectory.hasSuffix("/state"))
    }

    @Test func whatWasFoundIsOffered() throws {
        let read = try read(
            try file {
                $0.findings.servers = [
                    Findings.Server(url: "http://127.0.0.1:8000/v1", models: ["llama-8b", "shared"]),
                    Findings.Server(url: "http://127.0.0.1:8080/v1", models: ["shared"]),
                    Findings.Server(url: "http://127.0.0.1:9/v1", obstacle: "nothing answers there yet"),
                ]
                $0.findings.globusClient = (
                    id: "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9", secretVariable: "GLOBUS_CLIENT_SECRET"
                )
                $0.findings.scheduler = "PBS"
                $0.carriers = ["c.example.org:8201"]
                $0.proxy = ProxyConfiguration(url: "http://proxy.lab.gov:3128", noProxy: [".lab.gov"])
                $0.isAuthority = true
            })
        #expect(read.models.map(\.id) == ["llama-8b", "shared"])
        #expect(
            read.models.map(\.backend) == Array(repeating: .openAI(OpenAIBackend(url: "http://127.0.0.1:8000/v1")), count: 2)
        )
        #expect(read.trust.issuer != nil && read.outbound?.carriers.count == 1 && read.proxy?.noProxy == [".lab.gov"])
    }

    /// Beyond loopback an API must not speak in the clear.
    @Test func anAPIForOthersIsSecured() throws {
        let invocation = Invocation(
            command: .federationJoin, values: ["--listen-api": "0.0.0.0:8443", "--advertise-mesh": "mesh.lab.gov:443"])
        let addresses = try NodeAddresses(invocation, local: "10.1.0.5")
        #expect(addresses.advertisedAPI == "https://10.1.0.5:8443")
        #expect(addresses.mesh.description == "0.0.0.0:443" && addresses.advertisedMesh?.host == "mesh.lab.gov")
        let read = try read(try file { $0.addresses = addresses })
        #expect(read.tls?.certificateFile.hasSuffix("/node.pem") == true)
        #expect(read.advertise.mesh == "https://mesh.lab.gov:443")
    }

    @Test func theUnitQuotesWhatSystemdWouldRead() {
        let unit = SystemdUnit(
            federation: "demo", site: "fourth", node: "n1", folder: JoinFolder("/srv/a b/100%/$HOME/\"x\""))
        let line = unit.render().split(separator: "\n").first { $0.hasPrefix("ExecStart=") }
        #expect(line?.hasSuffix(#"--config "/srv/a b/100%%/$$HOME/\"x\"/node.json5""#) == true)
    }

    @Test(arguments: [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800)] as [(String, Int64)])
    func times(text: String, seconds: Int64) { #expect(Lifetime.seconds(text) == seconds) }

    @Test(arguments: ["", "h", "0h", "-1h", "1w", "1.5h", "99999999h", "1 h", "h1"])
    func noTimes(text: String) { #expect(Lifetime.seconds(text) == nil) }

    @Test func sharedNames() {
        for name in ["localhost", "127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "fd00::1"] {
            #expect(SharedNames.contains(name))
        }
        for name in ["mesh.lab.gov", "140.221.1.1", "172.32.0.1", "2620:0:dc0::1"] { #expect(!SharedNames.contains(name)) }
    }
}
