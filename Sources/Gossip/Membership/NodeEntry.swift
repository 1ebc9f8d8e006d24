/// Everything held about one node.
struct NodeEntry: Sendable {
    let id: NodeID
    let hash: UInt64
    /// The generation of all records held.
    var generation: UInt64
    var state: NodeState
    var stateSince: Instant
    var heardAt: Instant
    /// When the load held was heard.
    var loadHeardAt: Instant?
    /// When an exchange with it last went through.
    var provenAt: Instant?
    /// When a small exchange with it last failed.
    var failedAt: Instant?
    var roundTripSeconds: Double?
    /// Exchanges in their turn that failed since it was last heard: whether they mean its end or the network's losses is known when it
    /// answers in the same life, before it is held for dead.
    var unexplained = 0
    /// How often it was suspected wrongly, lately: it may be slow, and is waited for the longer.
    private(set) var wronged = 0.0
    private(set) var wrongedAt: Instant?
    /// The newest of its identities that is known not to refute what is said of it.
    var accused = Version(generation: 0, sequence: 0)
    var suspicion: Suspicion?
    /// When it was last told of a claim against it that we do not share.
    var warnedAt: Instant?
    /// Where it stands in the table's list of its state.
    var place = -1

    private(set) var identityRecord: SignedRecord?
    private(set) var catalogRecord: SignedRecord?
    private(set) var loadRecord: SignedRecord?
    /// Bytes of the tokens held.
    private(set) var recordBytes = 0

    init(id: NodeID, hash: UInt64, generation: UInt64, now: Instant) {
        self.id = id
        self.hash = hash
        self.generation = generation
        self.state = .alive
        self.stateSince = now
        self.heardAt = now
    }

    subscript(kind: RecordKind) -> SignedRecord? {
        get {
            switch kind {
            case .identity: identityRecord
            case .catalog: catalogRecord
            case .load: loadRecord
            }
        }
        set {
            recordBytes += (newValue?.token.count ?? 0) - (self[kind]?.token.count ?? 0)
            switch kind {
            case .identity: identityRecord = newValue
            case .catalog: catalogRecord = newValue
            case .load: loadRecord = newValue
            }
        }
    }

    mutating func wasWronged(_ settings: Settings, now: Instant) {
        wronged = min(wrongs(settings, now: now) + 1, settings.mostPatience)
        wrongedAt = now
    }

    /// `wronged`, less what is forgotten by now.
    func wrongs(_ settings: Settings, now: Instant) -> Double {
        guard let wrongedAt else { return 0 }
        return max(0, wronged - now.seconds(since: wrongedAt) / settings.patienceSeconds)
    }

    mutating func dropRecords() {
        identityRecord = nil
        catalogRecord = nil
        loadRecord = nil
        loadHeardAt = nil
        recordBytes = 0
    }

    var identity: Identity? { identityRecord?.record.identity }

    /// What a claim about it has to name to count.
    var identityVersion: Version { identityRecord?.record.version ?? Version(generation: generation, sequence: 0) }

    var digest: DigestEntry {
        guard identityRecord != nil || catalogRecord != nil || loadRecord != nil else { return DigestEntry(origin: hash) }
        return DigestEntry(
            origin: hash, generation: generation, identity: identityRecord?.record.version.sequence ?? 0,
            catalog: catalogRecord?.record.version.sequence ?? 0, load: loadRecord?.record.version.sequence ?? 0)
    }

    /// Dead and gone ones are not passed on any more, and count in no summary.
    var isShared: Bool { state != .dead && identityRecord != nil }

    var isLive: Bool { state == .alive || state == .suspect }

    /// Whether our latest own evidence is that it answers.
    func answered(within seconds: Double, of now: Instant) -> Bool {
        guard let provenAt, failedAt.map({ $0 <= provenAt }) ?? true else { return false }
        return now.seconds(since: provenAt) <= seconds
    }

    var view: NodeView {
        var view = NodeView(
            id: id, state: state, generation: generation, heardAt: heardAt, exchangedAt: provenAt,
            roundTripSeconds: roundTripSeconds, stateSince: stateSince)
        view.identityRecord = identityRecord
        view.catalogRecord = catalogRecord
        view.loadRecord = loadRecord
        view.loadHeardAt = loadHeardAt
        return view
    }
}
