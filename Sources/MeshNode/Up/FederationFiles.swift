import CLinux
import Gossip
import Glibc
import Trust

/// What `up` writes before it starts anything: a federation's authority, and for each node a folder with certificate, key and
/// configuration.
struct FederationFiles {
    struct PlannedNode {
        let id: NodeID
        let directory: String
        let apiPort: Int
        let meshPort: Int
        var api: String { "http://127.0.0.1:\(apiPort)" }
        var mesh: String { "https://127.0.0.1:\(meshPort)" }
        var meshAddress: HostAndPort { HostAndPort(host: "127.0.0.1", port: meshPort) }
    }

    /// The tokens of one `up`, good at every node.
    struct Tokens {
        let user: String
        let viewer: String
        let operate: String

        var configured: [TokenConfiguration] {
            let all: [(TokenRole, String)] = [(.user, user), (.viewer, viewer), (.operator, operate)]
            return all.map { role, token in
                TokenConfiguration(name: role.rawValue, role: role, sha256: Digest.hex(Digest.sha256(Array(token.utf8))))
            }
        }
    }

    /// Days that the certificates of an `up` last: it is started anew more often than that.
    private static let certificateSeconds = 7 * 86_400
    private static let authorityDays = 365

    let topology: Topology
    let directory: String
    let tokens: Tokens
    let nodes: [PlannedNode]
    /// What the Globus emulation is told; nil where no model needs it.
    let globus: EmulatedGlobus?
    var authorityFile: String { directory + "/ca.pem" }

    init(_ topology: Topology, directory: String) throws(CommandFailure) {
        self.topology = topology
        self.directory = directory
        tokens = Tokens(
            user: topology.tokens?.user ?? Random.token(), viewer: topology.tokens?.viewer ?? Random.token(),
            operate: topology.tokens?.operator ?? Random.token())
        var planned: [PlannedNode] = []
        for site in topology.sites {
            for node in site.nodes {
                planned.append(
                    PlannedNode(
                        id: NodeID(site: site.site, node: node.node), directory: "\(directory)/\(site.site)-\(node.node)",
                        apiPort: try Self.port(node.apiPort), meshPort: try Self.port(node.meshPort)))
            }
        }
        nodes = planned
        globus = try EmulatedGlobus(topology)
        do {
            try SecretFile.makeDirectory(directory)
            let authority = try Self.authority(topology.federation, directory)
            for node in planned { try Self.issue(node, topology.federation, authority) }
            try Self.admit(topology, planned, by: authority)
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
    }

    /// The authority of an earlier `up` in the same folder serves again, if it is of this federation.
    private static func authority(_ federation: String, _ directory: String) throws -> FederationAuthority {
        if access(directory + "/federation.json", F_OK) == 0 {
            let found = try FederationAuthority.load(directory: directory)
            if found.federation == federation { return found }
            throw CommandFailure(
                exitCode: 1,
                message:
                    "\(directory) holds the federation \(found.federation); give another --state folder for \(federation)")
        }
        let made = try FederationAuthority.create(federation: federation, directory: directory, validDays: authorityDays)
        // Beside the root: some of what a federation of this machine is used with cannot follow a chain that is sent.
        try made.root.write(pemFile: directory + "/ca.pem")
        return made
    }

    /// The first node is the registration authority, by the federation's own files.
    private func issuer(of node: PlannedNode) -> CertificateConfiguration? {
        guard node.id == nodes.first?.id else { return nil }
        return CertificateConfiguration(
            certificateFile: directory + "/issuer.pem", keyFile: directory + "/issuer.key")
    }

    private static func issue(_ node: PlannedNode, _ federation: String, _ authority: FederationAuthority) throws {
        try SecretFile.makeDirectory(node.directory)
        let key = try PrivateKey.generate()
        let certificate = try authority.issue(
            id: try SPIFFEID(federation: federation, site: node.id.site, node: node.id.node), key: key,
            dnsNames: ["localhost"],
            addresses: ["127.0.0.1"], validSeconds: certificateSeconds)
        try key.write(pemFile: node.directory + "/node.key")
        try certificate.write(pemFile: node.directory + "/node.pem", issuers: authority.issuer.chain)
        // Each node keeps its own, and writes it anew when the roots change.
        try authority.root.write(pemFile: node.directory + "/ca.pem")
    }

    /// A port that is free just now, where none is given.
    private static func port(_ wanted: Int) throws(CommandFailure) -> Int {
        if wanted != 0 { return wanted }
        guard let port = freePort() else {
            throw CommandFailure(exitCode: 1, message: "no free port: \(String(cString: strerror(errno)))")
        }
        return port
    }

    /// Writes the configuration of one node.
    ///
    /// - Parameters:
    ///   - servers: the URLs of its simulated servers, by model.
    ///   - globusURL: where the Globus emulation is; nil without one.
    func writeConfiguration(
        of node: PlannedNode, servers: [String: String], globusURL: String?
    ) throws(CommandFailure) -> String {
        guard let site = topology.sites.first(where: { $0.site == node.id.site }) else {
            throw CommandFailure(exitCode: 1, message: "no site \(node.id.site)")
        }
        let models = site.models.map { model in
            let backend: BackendConfiguration
            switch model.backend {
            case .given(let given): backend = given
            case .simulated: backend = .simulated(url: servers[model.id] ?? "")
            case .emulatedGlobus(let emulated):
                var globus = emulated.backend
                globus.endpoint = EmulatedGlobus.endpoint(topology.federation, site.site, model.id)
                let url: String? = if case .url(let given) = emulated.server { given } else { servers[model.id] }
                if emulated.function == nil {
                    globus.serverURL = url
                } else {
                    globus.function = EmulatedGlobus.function(topology.federation, site.site, model.id)
                    globus.apiPort = url.flatMap { WebAddress($0)?.port }
                }
                backend = .globusCompute(globus)
            }
            return ModelConfiguration(
                id: model.id, aliases: model.aliases, backend: backend, description: model.description, policy: model.policy,
                access: model.access, admission: model.admission, data: model.data, start: model.start)
        }
        let configuration = NodeConfiguration(
            federation: topology.federation, site: node.id.site, node: node.id.node,
            listen: ListenConfiguration(
                api: ListenAddress(address: "127.0.0.1", port: node.apiPort),
                mesh: ListenAddress(address: "127.0.0.1", port: node.meshPort)),
            trust: TrustConfiguration(
                caFile: node.directory + "/ca.pem", certificateFile: node.directory + "/node.pem",
                keyFile: node.directory + "/node.key", issuer: issuer(of: node)),
            seeds: nodes.filter { $0.id != node.id && !isOutbound($0.id.site) }.prefix(8).map(\.meshAddress),
            outbound: outbound(site), carrier: carries(node.id) ? CarrierConfiguration() : nil,
            stateDirectory: node.directory, tokens: tokens.configured,
            authentication: site.authentication ?? topology.authentication, access: site.access ?? topology.access,
            data: site.data ?? topology.data, links: site.links, keys: site.keys ?? topology.keys, loops: topology.loops,
            limits: topology.limits, routing: topology.routing,
            timeouts: topology.timing.timeouts, health: topology.timing.health,
            fips: FIPS.isOn ? .required : .off, receipts: topology.receipts,
            globusCompute: try globusCompute(of: node, globusURL), models: models)
        let path = node.directory + "/node.json5"
        do {
            try SecretFile.write(path, Array(configuration.render().utf8))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        return path
    }

    /// A site's client of the emulation, its secret in a file of its own.
    private func globusCompute(
        of node: PlannedNode, _ globusURL: String?
    ) throws(CommandFailure) -> GlobusComputeConfiguration? {
        guard let globusURL, let globus, let client = globus.client(of: node.id.site) else { return nil }
        let secretFile = node.directory + "/globus.secret"
        let internalFile = node.directory + "/internal.secret"
        do {
            try SecretFile.write(secretFile, Array(client.secret.utf8))
            try SecretFile.write(internalFile, Array(globus.internalSecret.utf8))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        // Functions that an earlier emulation knew are gone with it.
        unlink(FunctionStore(stateDirectory: node.directory).path)
        var configuration = GlobusComputeConfiguration(clientID: client.id, secretFile: secretFile)
        configuration.internalSecretFile = internalFile
        configuration.direct = directPeers(of: node.id.site)
        configuration.services = GlobusServicesConfiguration(auth: globusURL, groups: globusURL, compute: globusURL)
        return configuration
    }

    /// The endpoints that other sites of the topology offer to one.
    private func directPeers(of site: String) -> [GlobusComputeConfiguration.DirectPeer] {
        topology.sites.filter { $0.site != site }.compactMap { other in
            let endpoints = other.models.compactMap { model -> String? in
                guard case .emulatedGlobus(let emulated) = model.backend, let direct = emulated.backend.direct,
                    direct.entrySites.contains(site)
                else { return nil }
                return EmulatedGlobus.endpoint(topology.federation, other.site, model.id)
            }
            return endpoints.isEmpty ? nil : GlobusComputeConfiguration.DirectPeer(site: other.site, endpoints: endpoints)
        }
    }

    /// What `up` tells those who wait for it (DESIGN.md §8).
    func readyText(pids: [NodeID: pid_t]) -> String {
        var entries: [String] = []
        for node in nodes {
            entries.append(
                #"{"site":"\#(node.id.site)","node":"\#(node.id.node)","api":"\#(node.api)","mesh":"\#(node.mesh)","#
                    + #""pid":\#(pids[node.id] ?? 0),"state":"\#(escaped(node.directory))"}"#)
        }
        return #"{"federation":"\#(topology.federation)","nodes":[\#(entries.joined(separator: ","))],"#
            + #""tokens":{"user":"\#(escaped(tokens.user))","viewer":"\#(escaped(tokens.viewer))","operator":"\#(escaped(tokens.operate))"},"#
            + #""ca":"\#(escaped(authorityFile))"}"# + "\n"
    }
}
