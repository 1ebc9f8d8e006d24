import Testing

@testable import MeshNode

@Suite struct FirewallRequestTests {
    private static var node: NodeConfiguration {
        var node = NodeConfiguration(
            federation: "demo", site: "argonne", node: "a1",
            listen: ListenConfiguration(
                api: ListenAddress(address: "0.0.0.0", port: 443), mesh: ListenAddress(address: "0.0.0.0", port: 8201)),
            advertise: AdvertiseConfiguration(api: "https://ai.anl.gov", mesh: "https://mesh.anl.gov:9443"),
            tls: CertificateConfiguration(certificateFile: "", keyFile: ""),
            trust: TrustConfiguration(caFile: "", certificateFile: "", keyFile: ""),
            seeds: [HostAndPort(host: "mesh.ornl.gov", port: 8201)], stateDirectory: "/s")
        node.globusCompute = GlobusComputeConfiguration(clientID: "id", secretFile: "/s")
        node.models = [
            ModelConfiguration(id: "near", backend: .openAI(OpenAIBackend(url: "http://127.0.0.1:8000/v1"))),
            ModelConfiguration(id: "far", backend: .openAI(OpenAIBackend(url: "https://vllm.anl.gov:8443/v1"))),
            ModelConfiguration(id: "too", backend: .openAI(OpenAIBackend(url: "https://vllm.anl.gov:8443/v1"))),
        ]
        return node
    }

    /// Each place once; what is on this machine not at all.
    @Test func namesEachPlaceOnce() {
        let request = FirewallRequest(Self.node)
        #expect(
            request.outbound.map { "\($0.host):\($0.port)" } == [
                "mesh.ornl.gov:8201", "auth.globus.org:443", "compute.api.globus.org:443", "vllm.anl.gov:8443",
                "the site's NTP servers:123",
            ])
        #expect(
            request.inbound.map { "\($0.source) \($0.host):\($0.port)" } == [
                "the federation's nodes mesh.anl.gov:9443", "users ai.anl.gov:443",
                "the compute nodes of the Globus Compute endpoints ai.anl.gov:443",
            ])
        #expect(request.exempt == ["mesh.ornl.gov:8201", "mesh.anl.gov:9443"])
        for host in ["mesh.ornl.gov", "mesh.anl.gov:9443", "vllm.anl.gov"] { #expect(request.text.contains(host)) }
    }

    /// A node that takes no calls asks for nothing inwards on its mesh port, and says what its proxy must let pass.
    @Test func aNodeThatOnlyCalls() {
        var node = Self.node
        node.outbound = OutboundConfiguration(carriers: [HostAndPort(host: "mesh.ornl.gov", port: 8201)])
        node.proxy = ProxyConfiguration(url: "http://proxy.anl.gov:3128", noProxy: [".anl.gov"])
        let request = FirewallRequest(node)
        #expect(request.inbound.allSatisfy { !$0.purpose.contains("mesh") })
        #expect(request.outbound.map(\.host).prefix(2) == ["proxy.anl.gov", "mesh.ornl.gov"])
        #expect(request.outbound.filter { $0.host == "mesh.ornl.gov" }.count == 1)
        let proxied = request.outbound.filter { $0.network.hasSuffix("by the proxy") }.map(\.host)
        #expect(proxied == ["mesh.ornl.gov", "auth.globus.org", "compute.api.globus.org"])
        #expect(request.exempt == ["mesh.ornl.gov:8201"])
    }

    /// An API on loopback is nobody else's to reach.
    @Test func anAPIOnLoopbackIsNotAskedFor() {
        var node = Self.node
        node.tls = nil
        node.listen.api = ListenAddress(address: "127.0.0.1", port: 8101)
        node.globusCompute = nil
        #expect(FirewallRequest(node).inbound.count == 1)
    }
}
