import CLinux
import Gossip
import Routing
import Storage
import Transport

/// Carries out what the gossip machine decides: sends its exchanges, hands it the replies, and makes a routing view of what changed.
///
/// Lives on one loop, with connections of its own, so that gossip neither waits behind requests nor holds them up. Where nothing
/// happens a turn of it costs the same in a mesh of any size.
actor MeshShell {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// What it is put together from.
    struct Parts {
        let machine: GossipMachine
        let authority: RecordSigner
        let router: Router
        let local: [LocalModel]
        let identity: Identity
        let generationStore: GenerationStore
        /// nil: nothing is kept over a restart.
        let memory: MeshMemoryKeeper?
        let links: MeshLinks
        let audit: AuditLog
        let log: Logger
        let makeDirect: @Sendable (NodeID, Variant, DirectOffer) -> LocalModel?
        /// Domains of users for whom a site's word is taken, by its admission.
        let vouches: @Sendable (String) -> [String]?
        let narrowing: [String: [String]]
        let linkedFederations: [LinkedFederation]
    }

    var machine: GossipMachine
    let authority: RecordSigner
    let router: Router
    let local: [LocalModel]
    let generationStore: GenerationStore
    let memory: MeshMemoryKeeper?
    let log: Logger
    let gossipLog: GossipLog
    let audit: AuditLog
    let vouches: @Sendable (String) -> [String]?
    let narrowing: [String: [String]]
    let linkedFederations: [LinkedFederation]

    lazy var pool = ConnectionPool(loop: loop)
    private lazy var alarm = Alarm(loop: loop)
    /// When the sleeper wakes by itself; 0 while it is awake.
    private var wakesAt: UInt64 = 0
    private var isRunning = false

    var identity: Identity
    var upstreams: PeerUpstreams
    var builder: RoutingViewBuilder
    var pace = ViewPace()
    /// Load records whose audit heads were looked at.
    var witnessed: [NodeID: Gossip.Version] = [:]
    var linked: [LinkedNode] = []
    private var admitted: [String]?
    /// What of the blocks our catalog shows.
    var publishedBlocks: [String] = []
    var usesQuietUntil = Instant(nanoseconds: 0)

    /// Our own load is looked at this often at least; the machine decides what of it is news.
    private static let longestSleep: UInt64 = 500_000_000

    init(_ parts: Parts, loop: Loop) {
        machine = parts.machine
        authority = parts.authority
        router = parts.router
        local = parts.local
        identity = parts.identity
        generationStore = parts.generationStore
        memory = parts.memory
        audit = parts.audit
        log = parts.log
        gossipLog = GossipLog(me: parts.machine.me, log: parts.log)
        vouches = parts.vouches
        narrowing = parts.narrowing
        linkedFederations = parts.linkedFederations
        upstreams = PeerUpstreams(parts.links)
        self.loop = loop
        let links = parts.links
        builder = RoutingViewBuilder(
            me: parts.machine.me, local: parts.local, makeUpstream: { links.upstream(to: $0, known: $1) },
            makeDirect: parts.makeDirect, federation: parts.machine.federation, vouches: parts.vouches)
    }

    var now: Instant { Instant(nanoseconds: mesh_monotonic_ns()) }
    var wallSeconds: UInt64 { mesh_realtime_ns() / 1_000_000_000 }

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
            memory?.keep(router.view, me: machine.me, nowSeconds: wallSeconds)
            tellDirectUses()
            await sleep()
        }
    }

    private func sleep() async {
        let now = mesh_monotonic_ns()
        let next = min(nextWork, now &+ Self.longestSleep)
        wakesAt = max(next, now &+ 1_000_000)
        await alarm.sleep(nanoseconds: wakesAt &- now)
        wakesAt = 0
    }

    private var nextWork: UInt64 {
        min(machine.nextTick.nanoseconds, pace.dueAt(nodes: router.view.mesh.nodes.count))
    }

    /// After anything that may have brought the next work forward.
    func wakeForWork() {
        if wakesAt > 0, nextWork < wakesAt { alarm.ring() }
    }

    /// What our site may vouch for decides where our users can be served.
    private func noteAdmission() {
        let now = vouches(machine.me.site)
        guard now != admitted else { return }
        admitted = now
        pace.note(.now)
    }

    /// Says goodbye, so that nobody waits for us; returns when it was said or after a second.
    func leave() async {
        isRunning = false
        alarm.ring()
        await memory?.keepNow(router.view, me: machine.me, nowSeconds: wallSeconds)
        let directives = machine.leave(now: now, wallSeconds: wallSeconds, authority: authority)
        for case .exchange(let id, let contact, let message, _) in directives {
            await send(id, contact, message, timeoutSeconds: 1)
        }
    }
}
