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
    let syslog: SyslogSink?
    let models: [LocalModel]
    let apiAddress: SocketAddress
    let meshAddress: SocketAddress
    let control: NodeState
    let globus: GlobusSite?
    let keeper: TrustKeeper
    let receiptKeeper: ReceiptKeeper?

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
        let choice = Choice()
        let (ring, receiptKeeper) = ReceiptKeeper.open(
            configuration.receipts, directory: configuration.stateDirectory, choice: choice, thread: disk,
            tell: { log.log($0, $1) })
        self.receiptKeeper = receiptKeeper
        router = Router(
            me: me, choice: choice, timeouts: ForwardTimeouts(configuration), receipts: ring,
            directUses: DirectUses { use, site in
                log.info(
                    "direct: \(use.requestID) of \(use.user) for \(use.model) goes to the endpoint of \(site), whose node is away"
                )
            },
            asserter: IdentityAsserter(me: me, federation: configuration.federation) { trust.key(of: $0) },
            blocks: blocks.blocks, policies: configuration.routing, tells: { log.info($0) },
            seed: UInt64.random(in: 0 ... .max))
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
        facts.receipts = receiptKeeper?.shelf
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
}
