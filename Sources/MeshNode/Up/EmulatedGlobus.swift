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
    /// What functions of FIRST's kind prove themselves by, at every site.
    let internalSecret = Random.token()
    private let endpoints: [EndpointFile]
    private let functions: [FunctionFile]

    /// nil where no model of the topology is behind an emulated endpoint.
    ///
    /// - Throws: a function's file that cannot be read.
    init?(_ topology: Topology) throws(CommandFailure) {
        var functions: [FunctionFile] = []
        var clients: [Client] = []
        var endpoints: [EndpointFile] = []
        for site in topology.sites {
            for model in site.models {
                guard case .emulatedGlobus(let emulated) = model.backend else { continue }
                if clients.last?.site != site.site {
                    let id = Self.identifier("client", topology.federation, site.site)
                    clients.append(Client(site: site.site, id: id, secret: Random.token()))
                }
                var environment: [String: String] = [:]
                if let function = emulated.function {
                    environment["INTERNAL_STREAMING_SECRET"] = internalSecret
                    functions.append(
                        FunctionFile(
                            id: Self.function(topology.federation, site.site, model.id), name: function.name,
                            source: try Self.source(function.file)))
                }
                endpoints.append(
                    EndpointFile(
                        id: Self.endpoint(topology.federation, site.site, model.id), name: "\(site.site) \(model.id)",
                        workers: emulated.workers, agent: emulated.agent, state: "online", managers: 1,
                        environment: environment))
            }
        }
        guard !clients.isEmpty else { return nil }
        self.clients = clients
        self.endpoints = endpoints
        self.functions = functions
    }

    private static func source(_ path: String) throws(CommandFailure) -> String {
        do {
            return String(decoding: try PublicFile.read(path), as: UTF8.self)
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
    }

    func client(of site: String) -> Client? { clients.first { $0.site == site } }

    /// The id of the endpoint of one model at one site.
    static func endpoint(_ federation: String, _ site: String, _ model: String) -> String {
        identifier("endpoint", federation, site, model)
    }

    /// The id of the function of FIRST's kind of one model at one site.
    static func function(_ federation: String, _ site: String, _ model: String) -> String {
        identifier("function", federation, site, model)
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
            endpoints: endpoints, functions: functions)
        do {
            try SecretFile.write(path, Array(try JSONEncoder().encode(file)))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
    }

    private struct File: Encodable {
        var clients: [ClientFile]
        var users: [String]
        var endpoints: [EndpointFile]
        var functions: [FunctionFile]
    }

    private struct FunctionFile: Encodable {
        var id: String
        var name: String
        var source: String
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
        var environment: [String: String]
    }
}
