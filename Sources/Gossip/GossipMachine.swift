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

    var now: Instant
    var wallSeconds: UInt64
    var random: SeededGenerator
    var seeds: [Seed]
    var seedIndex = 0

    /// All nodes by name, this one among them; `order` keeps the names sorted, since dictionaries have no order to rely on.
    var nodes: [NodeID: NodeEntry] = [:]
    var order: [NodeID] = []
    var nodeByHash: [UInt64: NodeID] = [:]
    /// Graves, by the hash of the name.
    var tombstones: [UInt64: Tombstone] = [:]
    var own = OwnRecords()
    var summaryCache: ViewHashes?

    var pending: [ExchangeID: PendingExchange] = [:]
    var lastExchange: UInt64 = 0
    var catchUpsLeft = 0
    var nextRoundAt: Instant

    var probeOrder: [NodeID] = []
    var urgentProbes: [NodeID] = []
    var indirect: [NodeID: IndirectProbe] = [:]
    /// Lifeguard's local health: 0 is well; timeouts and periods are stretched by one more than this.
    var healthPenalty = 0
    var doubtSince: Instant?
    /// Nodes in the state `suspect`, sorted.
    var suspected: [NodeID] = []

    var news: [News] = []
    var claimsToTell: [Claim] = []
    var announcedAt: Instant?
    var fetches: [UInt64: Fetch] = [:]

    var directives: [Directive] = []

    /// - Parameters:
    ///   - federation: name of the federation; records of others are refused.
    ///   - me: this node.
    ///   - generation: max(stored + 1, seconds since 1970), stored by the caller before this.
    ///   - seeds: `host:port` of mesh ports to join by; one of them may be our own.
    ///   - seed: of the random choices.
    ///   - now: the caller's monotonic clock.
    ///   - wallSeconds: seconds since 1970.
    public init(
        federation: String, me: NodeID, generation: UInt64, settings: Settings = Settings(), seeds: [String],
        random seed: UInt64, now: Instant, wallSeconds: UInt64
    ) {
        self.federation = federation
        self.me = me
        self.generation = min(max(generation, 1), DigestEntry.maximumGeneration)
        self.settings = settings
        self.seeds = []
        for address in seeds where !self.seeds.contains(where: { $0.address == address }) {
            self.seeds.append(Seed(address: address))
        }
        self.random = SeededGenerator(seed: seed)
        self.now = now
        self.wallSeconds = wallSeconds
        self.nextRoundAt = now
        insert(NodeEntry(id: me, generation: self.generation, now: now))
    }

    /// The federation as seen from here.
    public var view: MeshView {
        MeshView(at: now, nodes: order.compactMap { nodes[$0]?.view })
    }

    /// Our own latest record of a kind, with its token, for answers that carry it.
    public func ownRecord(_ kind: RecordKind) -> SignedRecord? { nodes[me]?[kind]?.signed }

    /// When `onTick` is to be called at the latest.
    public var nextTick: Instant {
        guard !hasLeft else { return max(nextRoundAt, now) }
        var next = nextRoundAt
        for (_, probe) in indirect { next = min(next, probe.deadline) }
        for id in suspected {
            if let suspicion = nodes[id]?.suspicion { next = min(next, max(suspicion.deadline, heldBackUntil)) }
        }
        if let due = loadDueAt { next = min(next, due) }
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
        advanceSuspicions()
        publishDueLoad(authority)
        // 2. A round, if it is time for one.
        if self.now >= nextRoundAt {
            counters.ticks += 1
            retireOldStates()
            forgetOldFetches()
            beginRound()
            let jitter = 1 + settings.periodJitter * (2 * random.unit() - 1)
            nextRoundAt = self.now.adding(seconds: settings.periodSeconds * jitter * Double(healthPenalty + 1))
        }
        return finish()
    }

    // MARK: - Common to all handlers

    /// Takes over the time, and notices when this process stood still: what timed out meanwhile proves nothing.
    mutating func begin(_ now: Instant, _ wallSeconds: UInt64) {
        let late = now.seconds(since: nextTick)
        self.now = max(self.now, now)
        self.wallSeconds = wallSeconds
        guard late > settings.pauseSeconds, !hasLeft else { return }
        directives.append(.log(.paused(seconds: late)))
        for id in pending.keys { pending[id]?.isBlameless = true }
        indirect.removeAll()
        for id in suspected { nodes[id]?.suspicion?.startedAt = self.now }
        nextRoundAt = self.now
    }

    /// Hands out what is to be done.
    mutating func finish() -> [Directive] {
        announceWhatIsDue()
        defer { directives = [] }
        return directives
    }

    mutating func insert(_ entry: NodeEntry) {
        nodes[entry.id] = entry
        nodeByHash[entry.hash] = entry.id
        order.insert(entry.id, at: order.firstIndex { $0 > entry.id } ?? order.endIndex)
        summaryCache = nil
    }

    mutating func remove(_ id: NodeID) {
        guard let entry = nodes.removeValue(forKey: id) else { return }
        nodeByHash[entry.hash] = nil
        order.removeAll { $0 == id }
        probeOrder.removeAll { $0 == id }
        urgentProbes.removeAll { $0 == id }
        suspected.removeAll { $0 == id }
        indirect[id] = nil
        summaryCache = nil
    }

    /// Other nodes in one of these states, sorted.
    func peers(_ states: NodeState...) -> [NodeID] {
        order.filter { id in id != me && nodes[id].map { states.contains($0.state) } ?? false }
    }
}
