import FoundationEssentials
import Trust

/// What `up` tells the Globus emulation that it starts: a client a site, an endpoint a model behind Globus.
struct EmulatedGlobus {
    /// One site's client.
    struct Client {
        let site: String
        let id: String
        let secret: String
    }

    let clients: [Client]
    private let endpoints: [EndpointFile]

    /// nil where no model of the topology is behind an emulated endpoint.
    init?(_ topology: Topology) {
        var clients: [Client] = []
        var endpoints: [EndpointFile] = []
        for site in topology.sites {
            for model in site.models {
                guard case .emulatedGlobus(let emulated) = model.backend else { continue }
                if clients.last?.site != site.site {
                    let id = Self.identifier("client", topology.federation, site.site)
                    clients.append(Client(site: site.site, id: id, secret: Random.token()))
                }
                endpoints.append(
                    EndpointFile(
                        id: Self.endpoint(topology.federation, site.site, model.id), name: "\(site.site) \(model.id)",
                        workers: emulated.workers, agent: emulated.agent, state: "online", managers: 1))
            }
        }
        guard !clients.isEmpty else { return nil }
        self.clients = clients
        self.endpoints = endpoints
    }

    func client(of site: String) -> Client? { clients.first { $0.site == site } }

    /// The id of the endpoint of one model at one site.
    static func endpoint(_ federation: String, _ site: String, _ model: String) -> String {
        identifier("endpoint", federation, site, model)
    }

    /// A UUID that is the same in each `up` of a topology (RFC 9562 §5.8: version 8, made of a digest).
    private static func identifier(_ words: String...) -> String {
        var bytes = Array(Digest.sha256(Array(words.joined(separator: "\n").utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = Array(Digest.hex(bytes))
        let parts = [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
        return parts.map { String($0) }.joined(separator: "-")
    }

    /// Writes the emulation's configuration; for its owner alone, since secrets are in it.
    func write(_ path: String) throws(CommandFailure) {
        let file = File(
            clients: clients.map { ClientFile(id: $0.id, secret: $0.secret, kind: "confidential") }, users: [],
            endpoints: endpoints)
        do {
            try SecretFile.write(path, Array(try JSONEncoder().encode(file)))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
    }

    private struct File: Encodable {
        var clients: [ClientFile]
        var users: [String]
        var endpoints: [EndpointFile]
    }

    private struct ClientFile: Encodable {
        var id: String
        var secret: String
        var kind: String
    }

    private struct EndpointFile: Encodable {
        var id: String
        var name: String
        var workers: Int
        var agent: String
        var state: String
        var managers: Int
    }
}
