/// The mesh as one node knows it, kept true by exchanging signed records with others: a value without clock, randomness,
/// network or keys of its own. Each handler is told what happened and when, and returns what is to be done, in order.
/// The same seed and the same events give the same directives (docs/gossip.md).
public struct GossipMachine: Sendable {
    public let federation: String
    public let me: NodeID
    public let settings: Settings
    /// Rises when someone holds a higher one of ours.
    public internal(set) var generation: UInt64
    public internal(set) var counters = Counters()
    /// True after `leave`: it still answers, but begins nothing.
    public internal(set) var hasLeft = false

    /// `me`, as digests name it.
    let myHash: UInt64
    var now: Instant
    var wallSeconds: UInt64
    var random: SeededGenerator
    var seeds: [Seed]
    var seedIndex = 0

    var nodes: NodeTable
    var active = ActiveView()
    /// Graves, by the hash of the name.
    var tombstones: [UInt64: Tombstone] = [:]
    /// When the next node is dead or forgotten for its age, or a grave is to be looked at.
    var retireAt: Instant
    var own = OwnRecords()
    /// By peer, for those that have written to us.
    var standings: [UInt64: Standing] = [:]
    /// Tokens lately refused, by the peer that brought them: not opened again.
    var refused = RefusedTokens()

    var pending: [ExchangeID: PendingExchange] = [:]
    var lastExchange: UInt64 = 0
    var catchUpsLeft = 0
    /// Conversations begun since the round began.
    var begunInRound = 0
    /// Conversations begun because others asked or said something.
    var begunForOthers = 0
    var hasAnnouncedInRound = false
    var budget: Budget
    var nextRoundAt: Instant
    /// When news last came or was made here.
    var newsAt: Instant?
    private var hasPutOffRound = false

    var probeOrder: [UInt64] = []
    /// Nodes to be looked at for what others say of them.
    var doubts: [UInt64: Doubt] = [:]
    var urgentProbes: [UInt64] = []
    var indirect: [UInt64: IndirectProbe] = [:]
    /// When suspected nodes are judged and tried next.
    var verifyAt: Instant
    /// When those that others doubt are looked at next.
    var doubtedAt: Instant
    private static let doubtedSpacing = 0.1
    /// Lifeguard's local health: 0 is well; timeouts and periods are stretched by what is more.
    var healthPenalty = 0
    var losses = Losses()
    var doubtSince: Instant?
    /// When anybody last answered us or wrote to us.
    var anyoneHeardAt: Instant?
    /// Nodes that became suspect or unreachable lately, the latest last.
    var troubles: [UInt64] = []

    var news: [News] = []
    var claimsToTell: [Claim] = []
    /// Verdicts of others passed on since the round began.
    var hearsayInRound = 0
    /// Nodes that the present message brought in.
    var broughtIn: [UInt64] = []
    var announcedAt: Instant?
    var fetches: [UInt64: Fetch] = [:]
    /// When the next of them is to be asked of another peer.
    var fetchDueAt: Instant?

    var directives: [Directive] = []

    /// - Parameters:
    ///   - federation: name of the federation; records of others are refused.
    ///   - me: this node.
    ///   - generation: max(stored + 1, seconds since 1970), stored by the caller before this.
    ///   - seeds: `host:port` of mesh ports to join by; one of them may be our own.
    ///   - remembered: addresses of the last known mesh; tried while nobody is alive, and no truth.
    ///   - seed: of the random choices.
    ///   - now: the caller's monotonic clock.
    ///   - wallSeconds: seconds since 1970.
    public init(
        federation: String, me: NodeID, generation: UInt64, settings: Settings = Settings(), seeds: [String],
        remembered: [String] = [], random seed: UInt64, now: Instant, wallSeconds: UInt64
    ) {
        self.federation = federation
        self.me = me
        self.myHash = me.digestHash
        self.generation = min(max(generation, 1), DigestEntry.maximumGeneration)
        self.settings = settings
        self.seeds = []
        for address in seeds where !self.seeds.contains(where: { $0.address == address }) {
            self.seeds.append(Seed(address: address))
        }
        for address in remembered.prefix(GossipMachine.rememberedAllowed)
        where !self.seeds.contains(where: { $0.address == address }) {
            self.seeds.append(Seed(address: address, isRemembered: true))
        }
        self.random = SeededGenerator(seed: seed)
        self.now = now
        self.wallSeconds = wallSeconds
        self.nextRoundAt = now
        self.verifyAt = now
        self.doubtedAt = now
        self.retireAt = now
        self.budget = Budget(settings, now: now)
        self.nodes = NodeTable(me: myHash)
        nodes.insert(NodeEntry(id: me, hash: myHash, generation: self.generation, now: now))
    }

    /// Addresses of the last known mesh that are taken.
    public static let rememberedAllowed = 256

    /// The federation as seen from here. Made anew with each call.
    public var view: MeshView { MeshView(at: now, nodes: nodes.byName.map { nodes.entries[$0].view }) }

    /// One node as seen from here.
    public func node(_ id: NodeID) -> NodeView? { nodes[id]?.view }

    /// Our own latest record of a kind, with its token, for answers that carry it.
    public func ownRecord(_ kind: RecordKind) -> SignedRecord? { nodes[myHash]?[kind] }

    /// Bytes of all signed records held.
    public var recordBytes: Int { nodes.recordBytes }

    public var tombstoneCount: Int { tombstones.count }

    public var nodeCount: Int { nodes.count }

    /// Whether nothing counts of what a peer says.
    public func isGreylisted(_ peer: NodeID) -> Bool { standings[peer.digestHash]?.isGreylisted ?? false }

    /// When `onTick` is to be called at the latest.
    public var nextTick: Instant {
        guard !hasLeft else { return max(nextRoundAt, now) }
        var next = nextRoundAt
        for (_, probe) in indirect { next = min(next, probe.deadline) }
        if isInHaste { next = min(next, verifyAt) }
        if !urgentProbes.isEmpty { next = min(next, doubtedAt) }
        if let due = loadDueAt { next = min(next, due) }
        if let due = fetchDueAt { next = min(next, due) }
        if !news.isEmpty || !claimsToTell.isEmpty { next = min(next, announceDueAt) }
        return max(next, now)
    }

    /// Time has passed. Call it at `nextTick`, or at any other time: what is not due is left alone.
    public mutating func onTick(now: Instant, wallSeconds: UInt64, authority: some RecordAuthority) -> [Directive] {
        begin(now, wallSeconds)
        guard !hasLeft else {
            nextRoundAt = self.now.adding(seconds: settings.periodSeconds)
            return finish()
        }
        // 1. What was promised by now and did not happen.
        expireExchanges()
        expireIndirectProbes()
        fetchElsewhere()
        publishDueLoad(authority)
        // 2. A round, if it is time for one.
        if self.now >= nextRoundAt, !putsOffRound() {
            counters.ticks += 1
            begunInRound = 0
            begunForOthers = 0
            hearsayInRound = 0
            hasAnnouncedInRound = false
            retireOldStates()
            forgetOldFetches()
            beginRound()
            let jitter = 1 + settings.periodJitter * (2 * random.unit() - 1)
            nextRoundAt = self.now.adding(seconds: settings.periodSeconds * jitter * roundStretch)
        }
        // 3. Whoever is doubted or suspected.
        if self.now >= doubtedAt {
            doubtedAt = self.now.adding(seconds: GossipMachine.doubtedSpacing)
            tryDoubted()
        }
        if self.now >= verifyAt {
            advanceSuspicions()
            trySuspects()
            verifyAt = self.now.adding(seconds: suspectTrySpacing)
        }
        return finish()
    }

    /// What came just now is on its way to the others too: a round would only find that they lack it. Once, and by half a period.
    private mutating func putsOffRound() -> Bool {
        guard let newsAt, now.seconds(since: newsAt) < settings.periodSeconds / 2, !hasPutOffRound else {
            hasPutOffRound = false
            return false
        }
        hasPutOffRound = true
        nextRoundAt = now.adding(seconds: settings.periodSeconds / 2)
        return true
    }

    // MARK: - Common to all handlers

    /// Takes over the time, and notices when this process stood still: what timed out meanwhile proves nothing.
    mutating func begin(_ now: Instant, _ wallSeconds: UInt64) {
        let late = now.seconds(since: nextTick)
        self.now = max(self.now, now)
        self.wallSeconds = wallSeconds
        broughtIn.removeAll(keepingCapacity: true)
        budget.fill(settings, now: self.now)
        guard late > settings.pauseSeconds, !hasLeft else { return }
        directives.append(.log(.paused(seconds: late)))
        for id in pending.keys { pending[id]?.isBlameless = true }
        indirect.removeAll()
        doubts.removeAll()
        urgentProbes.removeAll()
        for hash in nodes.suspected {
            nodes.touch(hash) {
                $0.suspicion?.startedAt = self.now
                $0.suspicion?.failures = 0
            }
        }
        nextRoundAt = self.now
    }

    /// Hands out what is to be done.
    mutating func finish() -> [Directive] {
        announceWhatIsDue()
        defer { directives = [] }
        return directives
    }

    mutating func remove(_ hash: UInt64) {
        nodes.remove(hash)
        probeOrder.removeAll { $0 == hash }
        urgentProbes.removeAll { $0 == hash }
        troubles.removeAll { $0 == hash }
        indirect[hash] = nil
        doubts[hash] = nil
    }

    /// Whether the mesh is so large that this node keeps to an active view.
    var keepsActiveView: Bool { nodes.live.count > settings.activeViewAbove }

    /// Those among whom rounds and announcements are shared out.
    func partners() -> [UInt64] {
        keepsActiveView && !active.isEmpty ? active.members : nodes.live.map { nodes.entries[$0].hash }
    }
}
