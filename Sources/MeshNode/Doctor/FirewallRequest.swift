import Globus
import Transport

/// What to ask of a site's network team, made from a node's configuration: connections outwards and inwards, and what must not be opened
/// by a device that inspects TLS.
struct FirewallRequest: Encodable {
    struct Row: Encodable, Equatable {
        /// From where.
        var source: String
        /// To where: a host name or an address.
        var host: String
        var port: Int
        /// What is spoken: `TCP, TLS 1.3 with certificates on both sides`.
        var network: String
        var purpose: String
    }

    var node: String
    var outbound: [Row] = []
    var inbound: [Row] = []
    /// `host:port` of what must pass TLS inspection untouched.
    var exempt: [String] = []

    private static let meshNetwork = "TCP, TLS 1.3, certificates on both sides"
    /// What connections outwards go through; nil: nothing.
    private let proxy: HTTPProxy?

    private enum CodingKeys: CodingKey {
        case node, outbound, inbound, exempt
    }

    init(_ configuration: NodeConfiguration) {
        proxy = configuration.proxy.flatMap { proxy in
            WebAddress(proxy.url).map {
                HTTPProxy(address: HostPort(host: $0.host, port: UInt16(clamping: $0.port)), bypass: proxy.bypass)
            }
        }
        if let proxy {
            outbound.append(
                Row(
                    source: "this node", host: proxy.address.host, port: Int(proxy.address.port),
                    network: "TCP, HTTP CONNECT",
                    purpose: "the proxy, which must let the connections marked so pass"))
        }
        node = "\(configuration.site)/\(configuration.node) of \(configuration.federation)"
        addMesh(configuration)
        addAPI(configuration)
        addGlobus(configuration)
        addBackends(configuration)
        outbound.append(
            Row(source: "this node", host: "the site's NTP servers", port: 123, network: "UDP, NTP", purpose: "the clock"))
    }

    private mutating func addMesh(_ configuration: NodeConfiguration) {
        let carriers = configuration.outbound?.carriers ?? []
        for carrier in carriers { addPeer(carrier, "the federation's mesh, and calls that come by way of this carrier") }
        for seed in configuration.seeds where !carriers.contains(seed) {
            addPeer(seed, "the federation's mesh: other nodes too, as they join")
        }
        // Its carriers bring what comes to it.
        guard configuration.outbound == nil else { return }
        let own = configuration.advertise.mesh.flatMap { WebAddress($0) }
        let (host, port) = (own?.host ?? configuration.listen.mesh.address, own?.port ?? configuration.listen.mesh.port)
        inbound.append(
            Row(
                source: "the federation's nodes", host: host, port: port, network: Self.meshNetwork,
                purpose: "the federation's mesh"))
        exempt.append(HostAndPort(host: host, port: port).description)
    }

    private mutating func addPeer(_ peer: HostAndPort, _ purpose: String) {
        outbound.append(
            Row(
                source: "this node", host: peer.host, port: peer.port, network: Self.meshNetwork + way(to: peer.host),
                purpose: purpose))
        exempt.append(peer.description)
    }

    private func way(to host: String) -> String { proxy?.covers(host) == true ? ", by the proxy" : "" }

    private mutating func addAPI(_ configuration: NodeConfiguration) {
        guard configuration.tls != nil || !configuration.trustedProxies.isEmpty else { return }
        let own = configuration.advertise.api.flatMap { WebAddress($0) }
        let proxies = configuration.trustedProxies.map(\.description).joined(separator: ", ")
        inbound.append(
            Row(
                source: configuration.tls == nil ? proxies : "users", host: own?.host ?? configuration.listen.api.address,
                port: configuration.tls == nil ? configuration.listen.api.port : own?.port ?? configuration.listen.api.port,
                network: configuration.tls == nil ? "TCP, HTTP" : "TCP, TLS 1.2 or later, HTTP", purpose: "users' requests"))
        if configuration.globusCompute != nil {
            let callback = (configuration.globusCompute?.callbackURL ?? configuration.advertise.api).flatMap {
                WebAddress($0)
            }
            inbound.append(
                Row(
                    source: "the compute nodes of the Globus Compute endpoints",
                    host: callback?.host ?? configuration.listen.api.address,
                    port: callback?.port ?? configuration.listen.api.port, network: "TCP, TLS 1.2 or later, HTTP",
                    purpose: "answers of inference tasks, streamed"))
        }
    }

    private mutating func addGlobus(_ configuration: NodeConfiguration) {
        func add(_ url: String, _ purpose: String, _ proxy: String?) {
            guard let address = WebAddress(url), !Self.isHere(address.host) else { return }
            let way = proxy.map { ", by the proxy \($0)" } ?? way(to: address.host)
            let row = Row(
                source: "this node", host: address.host, port: address.port, network: "TCP, TLS 1.2 or later, HTTP\(way)",
                purpose: purpose)
            if !outbound.contains(row) { outbound.append(row) }
        }
        if let compute = configuration.globusCompute {
            let services = compute.services.services
            add(services.auth, "Globus Auth", compute.services.proxy)
            add(services.compute, "Globus Compute", compute.services.proxy)
        }
        if let globus = configuration.authentication.globus {
            add(globus.services.auth, "Globus Auth", globus.reach.proxy)
            if globus.groups { add(globus.services.groups, "Globus Groups", globus.reach.proxy) }
        }
    }

    private mutating func addBackends(_ configuration: NodeConfiguration) {
        for model in configuration.models {
            let url: String
            switch model.backend {
            case .openAI(let server): url = server.url
            case .first(let gateway): url = gateway.url
            case .simulated, .globusCompute: continue
            }
            guard let address = WebAddress(url), !Self.isHere(address.host) else { continue }
            let row = Row(
                source: "this node", host: address.host, port: address.port,
                network: address.scheme == "https" ? "TCP, TLS 1.2 or later, HTTP" : "TCP, HTTP",
                purpose: "inference servers")
            if !outbound.contains(row) { outbound.append(row) }
        }
    }

    /// On this machine: no firewall in between.
    private static func isHere(_ host: String) -> Bool {
        host == "localhost" || ListenAddress(address: host, port: 0).isLoopback
    }

    /// For people, to be sent on as it is.
    var text: String {
        func table(_ rows: [Row]) -> String {
            var table = Table(["FROM", "TO", "PORT", "PROTOCOL", "PURPOSE"])
            for row in rows { table.add([row.source, row.host, String(row.port), row.network, row.purpose]) }
            return table.isEmpty ? "none\n" : table.text
        }
        return """
            Firewall request for the MeshNode \(node)

            Outbound:
            \(table(outbound))
            Inbound:
            \(table(inbound))
            Must not be opened by TLS inspection (both sides prove themselves by certificates; an opened connection is refused):
            \(exempt.map { "\($0)\n" }.joined())
            """
    }
}
