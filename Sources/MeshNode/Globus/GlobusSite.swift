import CLinux
import Globus
import Gossip
import Routing
import Transport
import Trust

/// What a node needs for its models behind Globus Compute: one client, one budget of requests, one table of callbacks.
final class GlobusSite: Sendable {
    let service: ComputeService
    /// Of this site's client, for Globus Compute.
    let token: ClientToken
    let callbacks = CallbackTable()
    private let store: FunctionStore
    /// Our function as this site registers it.
    let inference: FunctionStore.Function
    private let configuration: NodeConfiguration
    private let compute: GlobusComputeConfiguration
    private let callbackURL: String
    private let callbackCA: String?
    private let log: Logger

    /// - Parameter apiURL: where this node's API is reached, unless the configuration names another address for callbacks.
    init(_ configuration: NodeConfiguration, _ compute: GlobusComputeConfiguration, apiURL: String, log: Logger)
        throws(CommandFailure)
    {
        self.configuration = configuration
        self.compute = compute
        self.log = log
        callbackURL = Self.bare(compute.callbackURL ?? apiURL)
        callbackCA = try compute.callbackCAFile.map { (path) throws(CommandFailure) in
            do {
                return String(decoding: try PublicFile.read(path), as: UTF8.self)
            } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        }
        inference = configuration.models.contains(where: \.isOffered) ? .inference.opened : .inference
        store = FunctionStore(stateDirectory: configuration.stateDirectory)
        let web = WebClient(compute.services.webSettings(try configuration.proxy?.httpProxy()))
        let services = compute.services.services
        token = ClientToken(
            client: GlobusClient(
                clientID: compute.clientID,
                secret: SecretSource(file: compute.secretFile, environment: compute.secretEnvironment).read),
            scope: ClientToken.computeScope, resourceServer: ClientToken.computeServer, services: services, web: web,
            jitter: GlobusJitter(seed: .random(in: 0 ... .max)))
        var settings = ComputeSettings()
        settings.requestsPerWindow = compute.requestsPerTenSeconds
        settings.statusSeconds = compute.statusSeconds
        service = ComputeService(
            settings: settings, services: services, token: token, web: web,
            log: { log.warnSeldom("globus \($0.prefix(40))", $0) })
        service.run()
    }

    /// Withdraws what is not submitted yet; what is runs on unseen.
    func stop() { service.stop() }

    private static func bare(_ url: String) -> String {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }

    /// The secret that FIRST's functions prove themselves by; nil: none run here.
    func internalSecret() throws(CommandFailure) -> [UInt8]? {
        guard compute.internalSecretFile != nil || compute.internalSecretEnvironment != nil else { return nil }
        let secret: String
        do throws(GlobusError) {
            secret = try SecretSource(file: compute.internalSecretFile, environment: compute.internalSecretEnvironment)
                .read()
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        // FIRST's documented default is known to everyone.
        guard secret.utf8.count >= 16, secret != "default-secret-change-me" else {
            throw CommandFailure(
                exitCode: 2, message: "the internal secret of FIRST's functions must be of 16 characters or more")
        }
        return Array(secret.utf8)
    }

    /// The backend of one model.
    func backend(_ model: ModelConfiguration, _ globus: GlobusComputeBackend) -> GlobusBackend {
        var settings = settings(endpoint: globus.endpoint, style: globus.style == .first ? .first : .meshnode)
        settings.serverJSON = Self.serverJSON(globus)
        settings.apiPort = globus.apiPort ?? 0
        settings.endpointConfig = globus.endpointConfig
        settings.resourceSpecification = globus.resourceSpecification
        settings.userRuntime = globus.userRuntime
        settings.deadlineSeconds = globus.deadlineSeconds
        let log = log
        return GlobusBackend(
            settings: settings, function: globus.function ?? store.identifier(of: inference), service: service,
            callbacks: callbacks, log: { log.warnSeldom("task \($0.prefix(40))", $0) })
    }

    /// What this site lets others do while its nodes are away.
    func offer(_ model: ModelConfiguration, _ globus: GlobusComputeBackend) -> DirectOffer? {
        guard let direct = globus.direct else { return nil }
        return DirectOffer(
            entrySites: direct.entrySites, maxAgeSeconds: direct.maxAgeSeconds, endpoint: globus.endpoint, function: "",
            style: globus.style.rawValue, server: Self.serverJSON(globus), upstreamModel: globus.upstreamModel ?? model.id,
            endpointConfig: globus.endpointConfig, resourceSpecification: globus.resourceSpecification,
            userRuntime: globus.userRuntime, deadlineSeconds: globus.deadlineSeconds,
            slots: globus.slots ?? Self.directSlots)
    }

    private static let directSlots = 8

    /// What runs requests at another site's endpoint, with our client and our callbacks.
    ///
    /// - Parameter site: whose node made the offer.
    /// - Returns: nil where this site has not agreed to that endpoint of that site, or the offer is not understood. Without the first, a
    ///   peer could name any endpoint that is open to us, with a function and rules of its own.
    func direct(_ variant: Variant, _ offer: DirectOffer, of site: String) -> LocalModel? {
        guard compute.direct.contains(where: { $0.site == site && $0.endpoints.contains(offer.endpoint) }),
            offer.style == FunctionStyle.meshnode.rawValue, Names.isModel(offer.upstreamModel),
            (1...512).contains(offer.upstreamModel.utf8.count), let server = try? WireJSON.parse(offer.server),
            server.pairs != nil
        else { return nil }
        var settings = settings(endpoint: offer.endpoint, style: .meshnode)
        settings.serverJSON = WireJSON.write(server, style: .compact)
        settings.endpointConfig = offer.endpointConfig
        settings.resourceSpecification = offer.resourceSpecification
        settings.userRuntime = offer.userRuntime
        settings.deadlineSeconds = min(max(offer.deadlineSeconds, 1), 86_400)
        let log = log
        let backend = GlobusBackend(
            settings: settings, function: offer.function, service: service, callbacks: callbacks,
            log: { log.warnSeldom("direct \($0.prefix(40))", $0) })
        let slots = min(max(offer.slots, 1), 1000)
        return LocalModel(
            declared: variant, upstreamModel: offer.upstreamModel, backend: .globus(backend),
            gate: Gate(slots: slots, settings: Gate.Settings(AdmissionConfiguration(), configuration.limits)),
            declaredSlots: slots)
    }

    private func settings(endpoint: String, style: FunctionStyle) -> GlobusBackendSettings {
        var settings = GlobusBackendSettings(endpoint: endpoint, style: style, callbackURL: callbackURL)
        settings.callbackCA = callbackCA
        settings.callbackProxy = compute.callbackProxy
        settings.connectSeconds = configuration.timeouts.connectSeconds
        settings.firstByteSeconds = configuration.timeouts.firstByteSeconds
        settings.stallSeconds = configuration.timeouts.stallSeconds
        return settings
    }

    private static func serverJSON(_ globus: GlobusComputeBackend) -> String {
        var url = globus.serverURL ?? ""
        while url.hasSuffix("/") { url.removeLast() }
        // Requests bring their own /v1.
        if url.hasSuffix("/v1") { url.removeLast(3) }
        func text(_ value: String?) -> String { value.map(Quoting.json) ?? "null" }
        return #"{"url":\#(text(url)),"keyEnvironment":\#(text(globus.serverKeyEnvironment)),"#
            + #""caFile":\#(text(globus.serverCAFile)),"ca":null,"verify":true}"#
    }

    // MARK: Functions

    /// Registers those of our functions that models need and that are not known yet, trying until it works.
    func registerFunctions(for backends: [GlobusBackend], needsStatus: Bool, on worker: Worker) {
        let waiting = backends.filter { $0.function == nil }
        guard !waiting.isEmpty || needsStatus && store.identifier(of: .status) == nil else { return }
        worker.spawn { context in
            let alarm = Alarm(loop: context.loop)
            var pause: UInt64 = 1
            while true {
                if await self.register(waiting, needsStatus: needsStatus) { return }
                await alarm.sleep(nanoseconds: pause * 1_000_000_000)
                pause = min(pause * 2, 60)
            }
        }
    }

    private func register(_ backends: [GlobusBackend], needsStatus: Bool) async -> Bool {
        do {
            if !backends.isEmpty {
                let identifier = try await registered(inference)
                for backend in backends { backend.useFunction(identifier) }
            }
            if needsStatus { _ = try await registered(.status) }
            return true
        } catch {
            log.warnSeldom("register", "our functions are not registered with Globus Compute yet: \(error)")
            return false
        }
    }

    private func registered(_ function: FunctionStore.Function) async throws -> String {
        if let known = store.identifier(of: function) { return known }
        let identifier = try await service.register(function.registration())
        try store.keep(identifier, for: function)
        log.info("registered \(function.name) with Globus Compute as \(identifier)")
        return identifier
    }

    /// What the status function of one endpoint is asked, and when; nil where none is wanted.
    ///
    /// - Parameter models: those with the same `status` at the same endpoint: one task tells of them all.
    func status(_ models: [(name: String, globus: GlobusComputeBackend)]) -> StatusOrder? {
        guard let globus = models.first?.globus, globus.status.isOn else { return nil }
        let store = store
        let given = globus.status.function
        let servers = models.map { model in
            #"\#(Self.serverJSON(model.globus).dropLast()),"models":[\#(Quoting.json(model.name))]}"#
        }
        return StatusOrder(
            endpoint: globus.status.endpoint ?? globus.endpoint,
            function: { given ?? store.identifier(of: .status) },
            orderJSON: globus.status.order
                ?? #"{"version":1,"scheduler":"auto","servers":[\#(servers.joined(separator: ","))]}"#,
            intervalSeconds: globus.status.intervalSeconds)
    }
}

extension GlobusServicesConfiguration {
    /// The hosted services, or those named.
    var services: GlobusServices {
        var services = GlobusServices()
        if let auth { services.auth = auth }
        if let groups { services.groups = groups }
        if let compute { services.compute = compute }
        return services
    }

    /// - Parameter nodeProxy: used where these services have none of their own.
    func webSettings(_ nodeProxy: HTTPProxy?) -> WebClientSettings {
        var settings = WebClientSettings()
        settings.caFile = caFile
        settings.proxy = proxy
        settings.nodeProxy = nodeProxy
        settings.noProxy = noProxy.isEmpty ? nil : noProxy.joined(separator: ",")
        // The first submission to an endpoint may take seconds: it must not hold up those to others.
        settings.connectionsPerHost = 16
        settings.userAgent = "meshnode/\(Version.text)"
        return settings
    }
}
