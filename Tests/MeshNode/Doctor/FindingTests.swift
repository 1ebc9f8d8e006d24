import Gossip
import Routing
import Testing
import Transport

@testable import MeshNode
@testable import Trust

@Suite struct FindingTests {
    @Test func aLineSaysWhatAndWhatToDo() {
        #expect(Finding.ok("proxy", "none").text == "ok    proxy        none\n")
        #expect(Finding.fail("tls", "a\nb", "c").text == #"fail  tls          a\nb  -> c"# + "\n")
    }

    /// At half of its life a certificate renews itself: a little later it has not, from 80 % that is loud.
    @Test(
        arguments: [(0, .ok), (50, .ok), (54, .ok), (55, .warn), (79, .warn), (80, .fail), (100, .fail), (300, .fail)]
            as [(Int64, Finding.Level)])
    func lifeOfACertificate(percent: Int64, level: Finding.Level) throws {
        let key = try PrivateKey.generate()
        let certificate = try CertificateBuilder.leaf("a/a1", from: 1000, until: 1100).sign(
            key: key, issuer: nil, signer: key)
        let finding = Doctor.life(of: certificate, now: 1000 + percent, "node.pem")
        #expect(finding.level == level)
        #expect((finding.advice == nil) == (level == .ok))
    }

    @Test(
        arguments: [(0.0, .ok), (-4.9, .ok), (5.1, .warn), (-29, .warn), (31, .fail), (-4000, .fail)]
            as [(Double, Finding.Level)])
    func clocksThatDiffer(seconds: Double, level: Finding.Level) {
        let answer = MeshProbe.Answer(
            peer: NodeID(site: "a", node: "a1"), roundTripSeconds: 0.01, aheadSeconds: seconds, dialledBack: nil, status: 200
        )
        #expect(Doctor.skew(answer).map(\.level) == [level])
    }

    @Test(
        arguments: [
            (.reached, 200, .ok), (.refused, 200, .fail), (.timedOut, 200, .fail), (nil, 429, .warn), (nil, 500, .warn),
            (nil, 404, nil),
        ] as [(DialBack.Result?, Int, Finding.Level?)])
    func dialledBack(result: DialBack.Result?, status: Int, level: Finding.Level?) {
        let answer = MeshProbe.Answer(
            peer: NodeID(site: "a", node: "a1"), roundTripSeconds: 0.01, aheadSeconds: 0,
            dialledBack: result.map { ($0, "10.0.0.7:8201") }, status: status)
        #expect(Doctor.dialBack(answer)?.level == level)
    }

    /// A node goes by its configuration: a proxy in the environment alone is worth a word.
    @Test func proxiesOfTheEnvironmentAlone() throws {
        var node = NodeConfiguration(
            federation: "d", site: "a", node: "a1", listen: ListenConfiguration(api: .loopback, mesh: .loopback),
            trust: TrustConfiguration(caFile: "", certificateFile: "", keyFile: ""), stateDirectory: "/s")
        let environment = ["https_proxy": "http://proxy:3128"]
        #expect(Doctor.proxies(node, of: { _ in nil }).map(\.level) == [.ok])
        #expect(Doctor.proxies(node, of: { environment[$0] }).map(\.level) == [.warn])
        node.globusCompute = GlobusComputeConfiguration(clientID: "id", secretFile: "/s")
        node.globusCompute?.services.proxy = "http://proxy:3128"
        #expect(Doctor.proxies(node, of: { environment[$0] }).map(\.level) == [.ok])
    }

    @Test(
        arguments: [
            (.lists(models: ["m", "n"]), .ok), (.lists(models: ["n"]), .warn), (.lists(models: nil), .ok),
            (.refusesKey(401), .fail), (.answers(404), .fail), (.unreachable("no"), .fail),
        ] as [(ServerProbe, Finding.Level)])
    func servers(probe: ServerProbe, level: Finding.Level) {
        let server = InferenceServer(
            upstream: Upstream(target: HostPort(host: "h", port: 1), tls: nil), basePath: "", kind: "openai")
        let findings = Doctor.judge(probe, server, wanted: ["m"])
        #expect(findings.map(\.level) == [level])
        #expect((findings[0].advice == nil) == (level == .ok))
    }
}
