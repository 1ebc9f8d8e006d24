import Gossip
import Routing
import Transport

/// What is behind a configuration's models. Models with the same server share its connections and its watch.
struct Backends {
    let servers: [InferenceServer]
    let models: [LocalModel]
    /// Models behind Globus Compute, those of one endpoint together: they share its watch.
    let endpoints: [WatchedEndpoint]

    struct WatchedEndpoint {
        /// By whose configuration it is asked; one of `backends`.
        var backend: GlobusBackend
        var models: [LocalModel]
        var backends: [GlobusBackend]
        var status: StatusOrder?
    }

    /// - Parameters:
    ///   - site: how Globus Compute is reached; nil where no model needs it.
    ///   - proxy: what connections outwards go through.
    init(_ configuration: NodeConfiguration, site: GlobusSite?, proxy: HTTPProxy?, log: Logger) throws(CommandFailure) {
        var servers: [String: InferenceServer] = [:]
        var order: [InferenceServer] = []
        var models: [LocalModel] = []
        var globus: [(model: LocalModel, backend: GlobusBackend, configured: GlobusComputeBackend)] = []
        for model in configuration.models {
            if case .globusCompute(let compute) = model.backend, let site {
                let backend = site.backend(model, compute)
                let made = Self.model(
                    model, .globus(backend), configuration, direct: site.offer(model, compute))
                models.append(made)
                globus.append((made, backend, compute))
                continue
            }
            guard let (key, make) = Self.describe(model.backend, configuration, proxy, log) else { continue }
            let server: InferenceServer
            if let known = servers[key] {
                server = known
            } else {
                server = try make()
                servers[key] = server
                order.append(server)
            }
            models.append(Self.model(model, .server(server), configuration))
        }
        self.servers = order
        self.models = models
        endpoints = site.map { Self.endpoints(globus, $0) } ?? []
    }

    /// What is asked of the same endpoint in the same way is asked once.
    private static func endpoints(
        _ models: [(model: LocalModel, backend: GlobusBackend, configured: GlobusComputeBackend)], _ site: GlobusSite
    ) -> [WatchedEndpoint] {
        var order: [String] = []
        var groups: [String: [(model: LocalModel, backend: GlobusBackend, configured: GlobusComputeBackend)]] = [:]
        for entry in models {
            let configured = entry.configured
            let key =
                "\(configured.endpoint) \(configured.endpointConfig ?? "") \(configured.userRuntime ?? "") \(configured.status)"
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(entry)
        }
        return order.compactMap { key in
            guard let group = groups[key], let first = group.first else { return nil }
            return WatchedEndpoint(
                backend: first.backend, models: group.map(\.model), backends: group.map(\.backend),
                status: site.status(group.map { ($0.model.upstreamModel, $0.configured) }))
        }
    }

    /// What makes two servers one, and how to make it; nil for what is no server.
    private static func describe(
        _ backend: BackendConfiguration, _ configuration: NodeConfiguration, _ proxy: HTTPProxy?, _ log: Logger
    ) -> (String, () throws(CommandFailure) -> InferenceServer)? {
        switch backend {
        case .openAI(let server):
            let token = "\(server.tokenFile ?? "") \(server.tokenCommand.map { "\($0)" } ?? "")"
            let key =
                "openai \(server.url) \(server.keyFile ?? "") \(server.keyEnvironment ?? "") \(token) \(server.caFile ?? "")"
            return (
                key,
                { () throws(CommandFailure) in
                    try make(
                        server.url, kind: "openai", credential: try ServerCredential(log, proxy: proxy).of(server),
                        caFile: server.caFile, proxy: proxy,
                        configuration, log)
                }
            )
        case .first(let server):
            var shared = server
            // What belongs to the model, not to the place.
            shared.upstreamModel = nil
            shared.slots = nil
            return (
                "first \(shared)",
                { () throws(CommandFailure) in
                    try make(
                        server.url, kind: "first", credential: try ServerCredential(log, proxy: proxy).of(server),
                        caFile: server.caFile, proxy: proxy,
                        gateway: server, configuration, log)
                }
            )
        case .simulated(let url):
            return (
                "simulated \(url)",
                { () throws(CommandFailure) in
                    try make(url, kind: "simulated", credential: nil, caFile: nil, proxy: proxy, configuration, log)
                }
            )
        case .globusCompute: return nil
        }
    }

    private static func make(
        _ url: String, kind: String, credential: Credential?, caFile: String?, proxy: HTTPProxy?,
        gateway: FirstBackend? = nil,
        _ configuration: NodeConfiguration, _ log: Logger
    ) throws(CommandFailure) -> InferenceServer {
        guard let address = WebAddress(url) else { throw CommandFailure(exitCode: 2, message: "\(url) is no URL") }
        var tls: TLSContext?
        if address.scheme == "https" {
            do throws(TransportError) {
                tls = try TLSContext(TLSContext.Settings(role: .client, verification: .authorities(file: caFile)))
            } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        }
        var settings = Upstream.Settings()
        settings.connectTimeout = nanoseconds(configuration.timeouts.connectSeconds)
        let way = proxy?.way(to: address.host) ?? .direct
        // Proxies cut what is silent; a cut that is not told would be found by the next request.
        if case .proxy = way {
            settings.idleLife = min(settings.idleLife, 2 * nanoseconds(configuration.timeouts.linkKeepAliveSeconds))
        }
        let upstream = Upstream(
            target: HostPort(host: address.host, port: UInt16(address.port)), tls: tls, settings: settings, way: way)
        // Routes bring their own /v1.
        var path = address.path
        while path.hasSuffix("/") { path.removeLast() }
        let place = gateway.map {
            FirstGateway(path: path, cluster: $0.cluster, framework: $0.framework, walltimeSeconds: $0.walltimeSeconds)
        }
        if place == nil, path.hasSuffix("/v1") { path.removeLast(3) }
        return InferenceServer(
            upstream: upstream, basePath: place?.basePath ?? path, kind: kind, credential: credential, gateway: place
        ) { message in
            log.warnSeldom("server \(url) \(message.prefix(80))", "\(url): \(message)")
        }
    }

    private static func model(
        _ model: ModelConfiguration, _ backend: Backend, _ configuration: NodeConfiguration, direct: DirectOffer? = nil
    ) -> LocalModel {
        var upstreamModel = model.id
        var slots: Int?
        var measures = false
        switch model.backend {
        case .openAI(let server):
            upstreamModel = server.upstreamModel ?? model.id
            slots = server.slots
            measures = true
        case .globusCompute(let globus):
            upstreamModel = globus.upstreamModel ?? model.id
            slots = globus.slots
        case .first(let gateway):
            upstreamModel = gateway.upstreamModel ?? model.id
            slots = gateway.slots
        case .simulated: break
        }
        var variant = model.variant(of: configuration)
        variant.direct = direct
        return LocalModel(
            declared: variant, upstreamModel: upstreamModel, backend: backend,
            gate: Gate(slots: slots, settings: Gate.Settings(model.admission, configuration.limits, measures: measures)),
            declaredSlots: slots,
            starter: model.starter)
    }
}
