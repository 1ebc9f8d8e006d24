import CLinux
import Gossip
import Routing
import Storage
import Transport
import Trust

/// Carries out what the gossip machine decides: sends its exchanges, hands it the replies, and makes a routing view of each change.
///
/// Lives on one loop, with connections of its own, so that gossip neither waits behind requests nor holds them up.
actor MeshShell {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private var machine: GossipMachine
    private let authority: RecordSigner
    private let router: Router
    private let local: [LocalModel]
    private let generationStore: GenerationStore
    private let links: MeshLinks
    private let log: Logger
    private var builder: RoutingViewBuilder
    private lazy var pool = ConnectionPool(loop: loop)
    private lazy var alarm = Alarm(loop: loop)
    private var seedUpstreams: [String: Upstream] = [:]
    private var carriedUpstreams: [NodeID: (place: MeshPlace, upstream: Upstream)] = [:]
    private var identity: Identity
    private let vouches: @Sendable (String) -> [String]?
    private let narrowing: [String: [String]]
    private let linkedFederations: [LinkedFederation]
    private var linked: [LinkedNode] = []
    private var admitted: [String]?
    private var viewIsStale = true
    private var isRunning = false
    private let audit: AuditLog
    /// Load records whose audit heads were looked at.
    private var witnessed: [NodeID: Gossip.Version] = [:]
    /// What of the blocks our catalog shows.
    private var publishedBlocks: [String] = []
    private var usesQuietUntil = Instant(nanoseconds: 0)

    init(
        machine: GossipMachine, authority: RecordSigner, router: Router, local: [LocalModel], identity: Identity,
        generationStore: GenerationStore, links: MeshLinks, audit: AuditLog, log: Logger, loop: Loop,
        makeDirect: @escaping @Sendable (NodeID, Variant, DirectOffer) -> LocalModel?,
        vouches: @escaping @Sendable (String) -> [String]?, narrowing: [String: [String]],
        linkedFederations: [LinkedFederation]
    ) {
        self.linkedFederations = linkedFederations
        self.vouches = vouches
        self.narrowing = narrowing
        self.machine = machine
        self.authority = authority
        self.router = router
        self.local = local
        self.identity = identity
        self.generationStore = generationStore
        self.links = links
        self.audit = audit
        self.log = log
        self.loop = loop
        builder = RoutingViewBuilder(
            me: machine.me, local: local, makeUpstream: { links.upstream(to: $0, known: $1) },
            makeDirect: makeDirect, federation: machine.federation, vouches: vouches)
    }

    /// Begins to gossip; returns at once.
    ///
    /// - Parameter describe: completes what is told of this node.
    nonisolated func start(_ describe: @escaping @Sendable (inout Identity) -> Void = { _ in }) {
        Task(executorPreference: loop) { await self.run(describe) }
    }

    private func run(_ describe: @Sendable (inout Identity) -> Void) async {
        isRunning = true
        describe(&identity)
        perform(publish(.identity(identity)))
        publishCatalog()
        while isRunning {
            publishLoad()
            if blocksShown != publishedBlocks { publishCatalog() }
            noteAdmission()
            perform(machine.onTick(now: now, wallSeconds: wallSeconds, authority: authority))
            refreshView()
            tellDirectUses()
            let next = machine.nextTick
            let wait = next > now ? next.nanoseconds - now.nanoseconds : 0
            // Our own load is looked at twice a second; the machine decides what of it is news.
            await alarm.sleep(nanoseconds: min(max(wait, 1_000_000), 500_000_000))
        }
    }

    /// What our site may vouch for decides where our users can be served.
    private func noteAdmission() {
        let now = vouches(machine.me.site)
        guard now != admitted else { return }
        admitted = now
        viewIsStale = true
    }

    /// Before its server was looked at, a model's slots are a guess: better none told than a wrong one.
    private func publishLoad() {
        guard local.allSatisfy({ $0.variant.state != .unknown }) else { return }
        let head = audit.head
        let told = AuditHead(sequence: head.sequence, hash: head.hash.hex)
        perform(publish(.load(Load(models: local.map(\.loadReport), audit: told))))
    }

    private var now: Instant { Instant(nanoseconds: mesh_monotonic_ns()) }
    private var wallSeconds: UInt64 { mesh_realtime_ns() / 1_000_000_000 }

    private func publish(_ body: RecordBody) -> [Directive] {
        machine.publish(body, now: now, wallSeconds: wallSeconds, authority: authority)
    }

    /// Those in force that our catalog depends on; they end by the clock.
    private var blocksShown: [String] { router.blocks.current?.publishedKey(nowSeconds: wallSeconds) ?? [] }

    /// Nothing goes to a node that our operator has blocked.
    private func checkBlocks(_ node: NodeID) throws(TransportError) {
        guard router.blocks.current?.peer(node, nowSeconds: wallSeconds) != nil else { return }
        throw TransportError(.revoked, "it is blocked here")
    }

    // MARK: What others call

    /// What the models do has changed.
    func publishCatalog() {
        publishedBlocks = blocksShown
        let blocks = router.blocks.current
        let seconds = wallSeconds
        let models = local.map { blocks?.published($0.variant, nowSeconds: seconds) ?? $0.variant }
        let offered = linkedFederations.offered(of: models)
        perform(
            publish(
                .catalog(Catalog(models: models, vouching: narrowing.isEmpty ? nil : narrowing, linked: offered))))
        publishLoad()
        viewIsStale = true
        refreshView()
    }

    /// Tells the federation to send us nothing more, or to do so again.
    func setDraining(_ draining: Bool) {
        identity.draining = draining
        perform(publish(.identity(identity)))
        viewIsStale = true
        refreshView()
    }

    /// Tells the federation something else of this node.
    func update(_ change: @Sendable (inout Identity) -> Void) {
        change(&identity)
        perform(publish(.identity(identity)))
        viewIsStale = true
        refreshView()
    }

    /// What linked federations have for us is another.
    func setLinked(_ nodes: [LinkedNode]) {
        linked = nodes
        viewIsStale = true
        refreshView()
    }

    /// Drops nodes that are no longer trusted, from here and from the choice.
    func forget(where isWithdrawn: @Sendable (NodeID, Identity) -> Bool) {
        perform(machine.forget(where: isWithdrawn, now: now, wallSeconds: wallSeconds))
        refreshView()
    }

    /// One small message to another node's mesh port, on the connections of gossip.
    ///
    /// - Parameters:
    ///   - address: of its mesh port, as its identity has it.
    ///   - limit: bytes of the answer.
    ///   - seconds: for all of it.
    func post(
        _ path: StaticString, to node: NodeID, at address: String, body: [UInt8], limit: Int, seconds: Double
    ) async throws(TransportError) -> HTTPAnswer {
        try checkBlocks(node)
        guard let upstream = upstream(for: Contact(node: node, address: address)) else {
            throw TransportError(.unknownHost, "\(address) is no address")
        }
        return try await pool.request(
            upstream, method: "POST", target: path.description, body: body, limit: limit,
            deadline: mesh_monotonic_ns() &+ UInt64(seconds * 1e9)
        ) { (stream) throws(TransportError) in
            guard stream.peerIdentity as? NodeID == node else {
                throw TransportError(.tls, "another node answers at \(address) than \(node)")
            }
        }
    }

    /// One exchange begun by a peer; nil if its message is none.
    func exchange(from peer: NodeID, _ bytes: [UInt8]) -> [UInt8]? {
        do throws(CodecError) {
            let message = try Message.decode(bytes)
            let (reply, directives) = machine.onExchange(
                message, from: peer, now: now, wallSeconds: wallSeconds, authority: authority)
            perform(directives)
            refreshView()
            return reply?.encode()
        } catch {
            log.warnSeldom("gossip from \(peer)", "gossip from \(peer) is not understood: \(error)")
            return nil
        }
    }

    /// Says goodbye, so that nobody waits for us; returns when it was said or after a second.
    func leave() async {
        isRunning = false
        alarm.ring()
        let directives = machine.leave(now: now, wallSeconds: wallSeconds, authority: authority)
        for case .exchange(let id, let contact, let message, _) in directives {
            await send(id, contact, message, timeoutSeconds: 1)
        }
    }

    var counters: Counters { machine.counters }

    // MARK: Directives

    private func perform(_ directives: [Directive]) {
        for directive in directives {
            switch directive {
            case .exchange(let id, let contact, let message, let timeout):
                Task(executorPreference: loop) { await self.send(id, contact, message, timeoutSeconds: timeout) }
            case .changed(let change):
                viewIsStale = true
                note(change)
            case .persistGeneration(let generation): generationStore.save(generation)
            case .log(let notice): note(notice)
            }
        }
    }

    private func send(_ id: ExchangeID, _ contact: Contact, _ message: Message, timeoutSeconds: Double) async {
        var peer: NodeID?
        do throws(TransportError) {
            if let node = contact.node { try checkBlocks(node) }
            guard let upstream = upstream(for: contact) else {
                throw TransportError(.unknownHost, "\(contact.address) is no address")
            }
            let answer = try await pool.request(
                upstream, method: "POST", target: MeshPort.gossipPath.description,
                fields: [("Content-Type", Message.mediaType)],
                body: message.encode(), limit: WireLimits.messageBytes,
                deadline: mesh_monotonic_ns() &+ UInt64(timeoutSeconds * 1e9)
            ) { (stream) throws(TransportError) in
                peer = stream.peerIdentity as? NodeID
                guard peer?.federation == nil else {
                    throw TransportError(.tls, "a node of another federation answers there")
                }
            }
            guard answer.status == 200, let peer else {
                throw TransportError(.protocolViolation, "it answered \(answer.status)")
            }
            let reply: Message
            do throws(CodecError) {
                reply = try Message.decode(answer.body)
            } catch {
                throw TransportError(.protocolViolation, "its reply is not gossip: \(error)")
            }
            perform(
                machine.onReply(exchange: id, reply, from: peer, now: now, wallSeconds: wallSeconds, authority: authority))
        } catch {
            let who = contact.node.map { "\($0)" } ?? "seed"
            if error.code == .tls || error.code == .proxy {
                log.warnSeldom("link \(contact.address)", "link to \(who) at \(contact.address) refused: \(error.message)")
            } else {
                log.debug("gossip with \(who) at \(contact.address) failed: \(error.message)")
            }
            perform(machine.onExchangeFailed(id, now: now, wallSeconds: wallSeconds))
        }
        refreshView()
        alarm.ring()
    }

    /// Tells sites whose nodes can be reached what was submitted to their endpoints meanwhile.
    private func tellDirectUses() {
        let sites = router.directUses.sites
        guard !sites.isEmpty, usesQuietUntil <= now else { return }
        for site in sites {
            let isBack = machine.view.nodes.first {
                $0.id.site == site && $0.state == .alive
                    && router.blocks.current?.peer($0.id, nowSeconds: wallSeconds) == nil
            }
            guard let node = isBack?.id else { continue }
            let uses = router.directUses.take(of: site)
            usesQuietUntil = now.adding(seconds: Self.usesPauseSeconds)
            if !uses.isEmpty { Task(executorPreference: loop) { await self.send(uses, to: node) } }
        }
    }

    /// Between two tries.
    private static let usesPauseSeconds = 5.0

    private func send(_ uses: [DirectUse], to node: NodeID) async {
        do throws(TransportError) {
            guard let upstream = upstream(for: Contact(node: node, address: machine.node(node)?.identity?.mesh ?? "")),
                let body = DirectUse.encode(uses)
            else { throw TransportError(.unknownHost, "its address is not known") }
            let answer = try await pool.request(
                upstream, method: "POST", target: MeshPort.directUsesPath.description,
                fields: [("Content-Type", "application/json")], body: body, limit: 65_536,
                deadline: mesh_monotonic_ns() &+ 10_000_000_000
            ) { (stream) throws(TransportError) in
                guard stream.peerIdentity as? NodeID == node else {
                    throw TransportError(.tls, "another node answers there")
                }
            }
            guard answer.status == 200 else { throw TransportError(.protocolViolation, "it answered \(answer.status)") }
            log.info("told \(node) of \(uses.count) requests submitted to its endpoints in its absence")
        } catch {
            router.directUses.putBack(uses, of: node.site)
            log.warnSeldom("uses \(node)", "\(node) could not be told of the use of its endpoints: \(error.message)")
        }
    }

    private func upstream(for contact: Contact) -> Upstream? {
        if let node = contact.node, let place = router.view.mesh.place(of: node), place.carriers != nil {
            return carriedUpstream(place)
        }
        if let known = seedUpstreams[contact.address] { return known }
        guard let made = links.upstream(at: contact.address) else { return nil }
        // Addresses come from peers' records: bounded.
        if seedUpstreams.count >= 8192 { seedUpstreams.removeAll() }
        seedUpstreams[contact.address] = made
        return made
    }

    private func carriedUpstream(_ place: MeshPlace) -> Upstream? {
        let known = carriedUpstreams[place.node]
        if let known, known.place == place { return known.upstream }
        guard let made = links.upstream(to: place, known: known?.upstream) else { return nil }
        if carriedUpstreams.count >= 8192 { carriedUpstreams.removeAll() }
        carriedUpstreams[place.node] = (place, made)
        return made
    }

    private func refreshView() {
        guard viewIsStale else { return }
        viewIsStale = false
        let view = machine.view
        witness(view)
        router.setView(builder.build(view, linked: linked, now: mesh_monotonic_ns()))
    }

    /// Keeps what other nodes tell of their audit logs.
    private func witness(_ view: MeshView) {
        for node in view.nodes where node.id != machine.me && witnessed[node.id] != node.loadVersion {
            witnessed[node.id] = node.loadVersion
            guard let head = node.load?.audit, let hash = SHA256Digest(hex: head.hash), head.sequence > 0 else { continue }
            audit.witness(
                site: node.id.site, node: node.id.node, head: ChainHead(sequence: head.sequence, hash: hash))
        }
        if witnessed.count > 2 * view.nodes.count + 16 {
            let known = Set(view.nodes.map(\.id))
            witnessed = witnessed.filter { known.contains($0.key) }
        }
    }

    // MARK: Log

    private func note(_ change: Change) {
        switch change {
        case .nodeState(let node, let from, let to):
            guard node != machine.me else { return }
            let message =
                "node \(node) is \(to.rawValue)" + (from.map { " (was \($0.rawValue))" } ?? ", heard of for the first time")
            if to == .alive || to == .left { log.info(message) } else { log.warning(message) }
        case .record(let node, let kind): log.debug("\(kind) of \(node) is new")
        case .forgotten(let node): log.info("node \(node) is forgotten")
        }
    }

    private func note(_ notice: Notice) {
        switch notice {
        case .refused(let refusal, let peer, let origin):
            log.warnSeldom(
                "record \(refusal) \(peer)",
                "record of \(origin.map { "\($0)" } ?? "unknown") by way of \(peer) refused: \(refusal.rawValue)")
        case .seedIsSelf(let address): log.debug("seed \(address) is this node")
        case .wrongNode(let expected, let found):
            log.warnSeldom("wrong \(expected)", "\(found) answers where \(expected) should be")
        case .generationRaised(let from, let to):
            log.warning("generation raised from \(from) to \(to): another node has our name, or our state was set back")
        case .notPublished(let kind, let reason): log.error("our \(kind) could not be signed: \(reason)")
        case .greylisted(let peer, let score):
            log.warning(
                "nothing of what \(peer) says counts for a while: it handed over what no honest node does (\(score) points)")
        case .equivocated(let node, let kind):
            log.warnSeldom(
                "equivocation \(node)",
                "\(node) signed two different records (\(kind)) of one version: a copy of it runs, or its key was stolen")
        case .doubting(let doubting):
            log.warning(doubting ? "more than half of the mesh looks dead: doubting ourselves first" : "no longer in doubt")
        case .paused(let seconds): log.warning("this process stood still for \(Int(seconds)) s")
        }
    }
}
