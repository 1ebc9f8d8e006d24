import API
import CLinux
import Gossip
import Routing
import Storage
import Synchronization
import Transport
import Trust

/// One running node: everything that `meshnode serve` starts, put together.
final class Node: Sendable {
    let configuration: NodeConfiguration
    let log: Logger
    let workers: [Worker]
    let router: Router
    let api: NodeAPI
    let mesh: MeshShell
    let links: MeshLinks
    let audit: AuditLog
    private let syslog: SyslogSink?
    let models: [LocalModel]
    let apiAddress: SocketAddress
    let meshAddress: SocketAddress
    private let control: NodeState
    private let globus: GlobusSite?
    private let keeper: TrustKeeper

    /// Puts a node together and starts it: when this returns it listens.
    ///
    /// - Throws: exit 1 and one line naming what cannot be used.
    init(_ configuration: NodeConfiguration) throws(CommandFailure) {
        self.configuration = configuration
        let me = NodeID(site: configuration.site, node: configuration.node)
        let log = Logger(
            level: LogLevel(configuration.log.level), json: configuration.log.format == .json, source: "\(me)")
        self.log = log
        let disk = try Self.storageThread()
        (audit, syslog) = try Self.auditLog(configuration, on: disk, log: log)
        PolicyMarks.note(configuration, audit, log)
        let blocks = try Self.blockStore(configuration, on: disk, audit, log: log)
        let (trust, store) = try Self.trust(configuration, log, admits: { [set = blocks.blocks] in try Self.admit($0, set) })
        let issuer = try configuration.trust.issuer.map { (files) throws(CommandFailure) in
            try RegistrationAuthority(files, federation: configuration.federation, log: log)
        }
        let links = try MeshLinks(configuration, tls: trust.clientTLS)
        self.links = links
        let apiTLS = try Self.apiTLS(configuration)
        workers = try Self.startWorkers(configuration.loops)
        try Self.startSyslog(syslog, configuration.audit, audit, on: workers[0].loop, log: log)
        let sockets = try Self.listen(configuration.listen, count: workers.count)
        let (apiSocket, meshSocket, adminSocket) = (sockets.api, sockets.mesh, sockets.admin)
        apiAddress = apiSocket.address
        meshAddress = meshSocket.address

        let apiURL = configuration.advertise.api ?? "\(apiTLS == nil ? "http" : "https")://\(apiAddress)"
        globus = try configuration.globusCompute.map { (compute) throws(CommandFailure) in
            try GlobusSite(configuration, compute, apiURL: apiURL, log: log)
        }
        let backends = try Backends(configuration, site: globus, proxy: links.proxy, log: log)
        models = backends.models
        let access = try NodeAccess(configuration, on: disk, log: log)
        router = Router(
            me: me, timeouts: ForwardTimeouts(configuration),
            directUses: DirectUses { use, site in
                log.info(
                    "direct: \(use.requestID) of \(use.user) for \(use.model) goes to the endpoint of \(site), whose node is away"
                )
            },
            asserter: IdentityAsserter(me: me, federation: configuration.federation) { trust.key(of: $0) },
            blocks: blocks.blocks, seed: UInt64.random(in: 0 ... .max))
        let ledger = trust.ledger
        let vouches: @Sendable (String) -> [String]? = { ledger.admission(of: $0)?.domains }
        let generations = GenerationStore(directory: configuration.stateDirectory, log: log)
        let identity = Identity(
            api: apiURL,
            mesh: configuration.advertise.mesh ?? "https://\(meshAddress)",
            certificate: Base64.encode(trust.current.certificate.der),
            certificateExpires: UInt64(max(0, trust.current.certificate.notAfter)), software: Version.text,
            scope: access.login?.scope, via: configuration.outbound == nil ? nil : [])
        let now = Instant(nanoseconds: mesh_monotonic_ns())
        let (memory, remembered) = MeshMemoryKeeper.open(
            directory: configuration.stateDirectory, me: me, thread: disk, log: log)
        let machine = GossipMachine(
            federation: configuration.federation, me: me, generation: try generations.next(), settings: configuration.gossip,
            seeds: configuration.seeds.map(\.description), remembered: remembered, random: UInt64.random(in: 0 ... .max),
            now: now,
            wallSeconds: mesh_realtime_ns() / 1_000_000_000)
        let signer = RecordSigner(trust)
        mesh = MeshShell(
            MeshShell.Parts(
                machine: machine, authority: signer, router: router, local: models, identity: identity,
                generationStore: generations, memory: memory, links: links, audit: audit, log: log,
                makeDirect: { [globus] in globus?.direct($1, $2, of: $0.site) }, vouches: vouches,
                narrowing: configuration.access.vouching, linkedFederations: configuration.links.map(\.link)),
            loop: workers[0].loop)

        let keeper = TrustKeeper(
            trust: trust, router: router, mesh: mesh, workers: workers, store: store, issuer: issuer, audit: audit,
            log: log)
        self.keeper = keeper
        control = NodeState(
            mesh: mesh, router: router, workers: workers, keeper: keeper, log: log,
            serversToHear: backends.servers.count + backends.endpoints.count, globus: globus, links: links.metrics)
        var facts = NodeFacts(
            federation: configuration.federation, software: Version.text, startedAt: mesh_realtime_ns() / 1_000_000_000,
            bodyLimit: configuration.limits.bodyBytes,
            callbackTimeout: nanoseconds(Self.callbackSeconds(configuration.timeouts)),
            internalSecret: try globus?.internalSecret())
        access.apply(to: &facts, configuration)
        facts.apiURL = identity.api
        facts.federationControl = keeper
        let role = try Self.role(
            configuration, keeper, issuer, disk, audit, router, meshURL: identity.mesh, log: log)
        facts.inviting = role.inviting
        facts.audit = audit
        facts.blocks = blocks
        api = NodeAPI(
            router: router, authenticator: access.authenticator, facts: facts, control: control,
            callbacks: globus?.callbacks ?? CallbackTable())
        let port = meshPort(trust, role.enrolment, DialBack(securedBy: trust.clientTLS, way: links.way))
        let budget = BodyBudget(bytes: configuration.limits.heldBodiesBytes)
        let meshService = service(port, trust.serverTLS, budget)
        let apiSecurity = TLSSource(apiTLS)
        let services: [(ListeningSocket?, HTTPService)] = [
            (apiSocket, service(api, apiSecurity, budget, admits: Self.admission(configuration))),
            (adminSocket, service(api, apiSecurity, budget, admits: Self.admission(configuration))),
            (meshSocket, meshService),
        ]
        for worker in workers {
            for (socket, service) in services {
                guard let socket else { continue }
                Task { await worker.serve(socket, service) }
            }
        }
        mesh.start(keeper.describe)
        FederationLinks(configuration.links, trust: trust, links: links, mesh: mesh, log: log, loop: workers[0].loop).start()
        keeper.start()
        keepLinks(meshService)
        if let tls = configuration.tls { APICertificate(tls, apiSecurity, loop: workers[0].loop, log: log).start() }
        watch(backends)
        log.info("listening: API \(identity.api), mesh \(identity.mesh), \(workers.count) loops, \(models.count) models")
    }

    /// What this node proves itself with, and what the federation's operator has said so far.
    static func trust(
        _ configuration: NodeConfiguration, _ log: Logger,
        admits: @escaping @Sendable (NodeID) throws -> Void = { _ in }
    ) throws(CommandFailure) -> (MeshTrust, StatementStore) {
        let store = StatementStore(directory: configuration.stateDirectory, log: log)
        let ledger: TrustLedger
        do throws(TrustError) {
            ledger = TrustLedger(
                federation: configuration.federation, roots: try Certificate.load(pemFile: configuration.trust.caFile))
        } catch { throw CommandFailure(exitCode: 1, message: "\(error)") }
        store.load(into: ledger, now: PeerGate.now)
        return (try MeshTrust(configuration, ledger: ledger, admits: admits), store)
    }

    /// The thread of all databases.
    private static func storageThread() throws(CommandFailure) -> StorageThread {
        let thread = StorageThread()
        do throws(StorageError) {
            try thread.start()
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        return thread
    }

    private static func apiTLS(_ configuration: NodeConfiguration) throws(CommandFailure) -> TLSContext? {
        guard let tls = configuration.tls else { return nil }
        do throws(TransportError) {
            return try APICertificate.context(tls)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }

    private static func startWorkers(_ loops: Int) throws(CommandFailure) -> [Worker] {
        let count = loops > 0 ? loops : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var workers: [Worker] = []
        do throws(TransportError) {
            for index in 0..<count { workers.append(try Worker(index: index)) }
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        for worker in workers { worker.start() }
        return workers
    }

    /// Sockets handed over at the start (LISTEN_FDS, in this order: API, mesh, admin) take the place of those configured.
    private static func listen(
        _ addresses: ListenConfiguration, count: Int
    ) throws(CommandFailure) -> (api: ListeningSocket, mesh: ListeningSocket, admin: ListeningSocket?) {
        let inherited = ListeningSocket.inheritedCount()
        func socket(_ index: Int, _ address: ListenAddress) throws(TransportError) -> ListeningSocket {
            if index < inherited { return try ListeningSocket.inherited(descriptor: 3 + Int32(index)) }
            return try ListeningSocket.bind(try address.socketAddress, count: count)
        }
        do throws(TransportError) {
            let api = try socket(0, addresses.api)
            let mesh = try socket(1, addresses.mesh)
            guard let admin = addresses.admin else { return (api, mesh, nil) }
            return (api, mesh, try socket(2, admin))
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }

    /// Plain HTTP beyond loopback is for the declared proxies alone.
    private static func admission(_ configuration: NodeConfiguration) -> (@Sendable (SocketAddress) -> Bool)? {
        guard configuration.tls == nil, !configuration.trustedProxies.isEmpty else { return nil }
        let proxies = configuration.trustedProxies
        return { address in address.isLoopback || proxies.contains { $0.contains(address.host) } }
    }

    private func service(
        _ handler: any HTTPHandler, _ secured: TLSSource, _ budget: BodyBudget,
        admits: (@Sendable (SocketAddress) -> Bool)? = nil
    ) -> HTTPService {
        var timeouts = HTTPServerTimeouts()
        timeouts.head = nanoseconds(configuration.timeouts.headSeconds)
        timeouts.body = nanoseconds(configuration.timeouts.bodySeconds)
        timeouts.idle = nanoseconds(configuration.timeouts.idleSeconds)
        timeouts.write = nanoseconds(configuration.timeouts.writeSeconds)
        return HTTPService(
            handler: handler, securedBy: secured, timeouts: timeouts, maximumConnections: configuration.limits.connections,
            bodyBudget: budget, admits: admits)
    }

    private static func role(
        _ configuration: NodeConfiguration, _ keeper: TrustKeeper, _ issuer: RegistrationAuthority?,
        _ thread: StorageThread, _ audit: AuditLog, _ router: Router, meshURL: String, log: Logger
    ) throws(CommandFailure) -> FederationRole {
        try FederationRole(
            configuration, issuer: issuer, ledger: keeper.ledger, meshURL: meshURL, thread: thread, log: log,
            mesh: { router.view.mesh }, publish: { _ = await keeper.take([$0], from: nil) },
            note: { kind, actor, subject, detail in
                audit.record(kind, actor: actor, subject: subject, detail: detail)
                let line = "\(kind.rawValue): \(subject), by \(actor): \(detail)"
                // Strangers can be refused as often as they like.
                if kind == .joinRefused { log.warnSeldom("join \(actor) \(detail)", line) } else { log.info(line) }
            })
    }

    private func meshPort(_ trust: MeshTrust, _ enrolment: any Enrolment, _ dialBack: DialBack) -> MeshPort {
        let mesh = mesh
        let keeper = keeper
        let log = log
        let audit = audit
        let gate = trust.gate
        let ledger = trust.ledger
        let linked = configuration.links.map(\.link)
        // A site of ours speaks by its admission, one of a linked federation by the link.
        let identities = IdentityVerifier(
            site: configuration.site, federation: configuration.federation,
            vouches: { node in
                guard let other = node.federation else { return ledger.admission(of: node.site)?.domains }
                return linked.first { $0.federation == other }?.vouches
            }, narrowing: configuration.access.vouching, counters: router.counters
        ) {
            gate.certificate(of: $0, keyID: $1)
        }
        return MeshPort(
            router: router, models: models, identities: identities, carrier: links.desk, data: configuration.data,
            federation: configuration.federation, linked: linked,
            bodyLimit: configuration.limits.bodyBytes, keepAlive: links.keepAlive,
            gossip: { await mesh.exchange(from: $0, $1, isShort: $2) },
            log: { error, address in
                audit.record(.refusal, actor: address?.host ?? "unknown", subject: "mesh connection", detail: error.message)
                // Once a minute for each reason and host: a stranger that tries every second must not fill the log.
                log.warnSeldom(
                    "mesh \(address?.host ?? "") \(error.message)",
                    "mesh connection from \(address?.description ?? "unknown") refused: \(error.message)")
            },
            routes: keeper.routes,
            audit: { peer, use in
                log.warning(
                    "direct: \(peer) submitted \(use.requestID) of \(use.user) for \(use.model) at \(use.at) in our absence")
            },
            refusals: { audit.record(.refusal, actor: "\($0)", subject: "mesh port", detail: $1) }, enrolment: enrolment,
            dialBack: dialBack, trustRound: { gate.round })
    }

    private func watch(_ backends: Backends) {
        let mesh = mesh
        for (index, server) in backends.servers.enumerated() {
            let control = control
            let poller = HealthPoller(
                server: server, models: backends.models.filter { $0.runs(on: server) },
                interval: nanoseconds(configuration.health.intervalSeconds),
                timeout: nanoseconds(configuration.health.timeoutSeconds)
            ) {
                control.heard(index)
                Task { await mesh.publishCatalog() }
            }
            poller.start(on: workers[index % workers.count])
        }
        for (index, entry) in backends.endpoints.enumerated() {
            let control = control
            let log = log
            let watch = EndpointWatch(
                backend: entry.backend, models: entry.models, status: entry.status,
                interval: nanoseconds(configuration.health.intervalSeconds),
                changed: {
                    control.heard(backends.servers.count + index)
                    Task { await mesh.publishCatalog() }
                }, log: { log.warnSeldom("endpoint \($0.prefix(60))", $0) })
            watch.start(on: workers[index % workers.count])
        }
        globus?.registerFunctions(
            for: backends.endpoints.flatMap(\.backends), needsStatus: backends.endpoints.contains { $0.status != nil },
            on: workers[0])
    }

    /// Runs until a signal ends it: leaves the mesh, ends what is under way, and returns.
    func runUntilSignal() {
        while true {
            switch Signals.wait() {
            case SIGINT, SIGTERM: return stop()
            case SIGHUP: log.info("SIGHUP: a running node does not reload its configuration yet; restart it to change that")
            default: continue
            }
        }
    }

    /// Between two pieces of what a function sends: longer than any of its own waits, so that it is the one to say what took too long.
    private static func callbackSeconds(_ timeouts: TimeoutConfiguration) -> Double {
        max(timeouts.firstByteSeconds, timeouts.stallSeconds) + timeouts.connectSeconds + 10
    }

    /// Seconds that requests under way may take after the node has left.
    private static let drainSeconds = 30

    private func stop() {
        log.info("stopping: leaving the mesh, \(api.inFlight) requests under way")
        let workers = workers
        let mesh = mesh
        let flag = Flag()
        audit.record(.operator, actor: "\(router.me)", subject: "node", detail: "stops: a signal came")
        Task {
            await mesh.leave()
            for worker in workers { await worker.drain() }
            flag.raise()
        }
        let limit = mesh_monotonic_ns() + UInt64(Self.drainSeconds) * 1_000_000_000
        while mesh_monotonic_ns() < limit, !(flag.isRaised && api.inFlight == 0) {
            // A second signal means now.
            if let signal = Signals.wait(milliseconds: 20), signal == SIGINT || signal == SIGTERM { break }
        }
        globus?.stop()
        Self.endAudit(audit, syslog)
        log.info("stopped")
    }
}

/// Something that has happened.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
}

func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, seconds) * 1e9) }

extension LogLevel {
    init(_ level: LogConfiguration.Level) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}

extension ForwardTimeouts {
    init(_ configuration: NodeConfiguration) {
        self.init()
        firstByte = nanoseconds(configuration.timeouts.firstByteSeconds)
        stall = nanoseconds(configuration.timeouts.stallSeconds)
        queue = nanoseconds(configuration.limits.queueSeconds)
    }
}

extension ListenAddress {
    var socketAddress: SocketAddress {
        get throws(TransportError) {
            guard let found = SocketAddress(literal: address, port: UInt16(port)) else {
                throw TransportError(.system, "\(address) is not an IP address")
            }
            return found
        }
    }
}
