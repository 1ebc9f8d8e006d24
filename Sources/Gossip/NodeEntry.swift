/// A record as held: with its token, to be passed on as it came.
struct HeldRecord: Sendable {
    let signed: SignedRecord
    let heardAt: Instant
}

/// Everything held about one node.
struct NodeEntry: Sendable {
    let id: NodeID
    let hash: UInt64
    /// The generation of all records held.
    var generation: UInt64
    var state: NodeState
    var stateSince: Instant
    var heardAt: Instant
    /// When an exchange with it last went through.
    var provenAt: Instant?
    /// When a small exchange with it last failed.
    var failedAt: Instant?
    var roundTripSeconds: Double?
    var suspicion: Suspicion?
    /// When it was last told of a claim against it that we do not share.
    var warnedAt: Instant?

    private var identityRecord: HeldRecord?
    private var catalogRecord: HeldRecord?
    private var loadRecord: HeldRecord?

    init(id: NodeID, generation: UInt64, now: Instant) {
        self.id = id
        self.hash = id.digestHash
        self.generation = generation
        self.state = .alive
        self.stateSince = now
        self.heardAt = now
    }

    subscript(kind: RecordKind) -> HeldRecord? {
        get {
            switch kind {
            case .identity: identityRecord
            case .catalog: catalogRecord
            case .load: loadRecord
            }
        }
        set {
            switch kind {
            case .identity: identityRecord = newValue
            case .catalog: catalogRecord = newValue
            case .load: loadRecord = newValue
            }
        }
    }

    mutating func dropRecords() {
        identityRecord = nil
        catalogRecord = nil
        loadRecord = nil
    }

    var identity: Identity? {
        if case .identity(let identity) = self[.identity]?.signed.record.body { identity } else { nil }
    }

    /// What a claim about it has to name to count.
    var identityVersion: Version {
        self[.identity]?.signed.record.version ?? Version(generation: generation, sequence: 0)
    }

    var digest: DigestEntry {
        var entry = DigestEntry(origin: hash)
        for kind in RecordKind.allCases {
            guard let held = self[kind] else { continue }
            entry.generation = generation
            entry[kind] = held.signed.record.version.sequence
        }
        return entry
    }

    /// Dead and gone ones are not passed on any more, and count in no summary.
    var isShared: Bool { state != .dead && self[.identity] != nil }

    /// Whether our latest own evidence is that it answers.
    func answered(within seconds: Double, of now: Instant) -> Bool {
        guard let provenAt, failedAt.map({ $0 <= provenAt }) ?? true else { return false }
        return now.seconds(since: provenAt) <= seconds
    }

    var view: NodeView {
        var view = NodeView(
            id: id, state: state, generation: generation, identity: identity, heardAt: heardAt, exchangedAt: provenAt,
            roundTripSeconds: roundTripSeconds, stateSince: stateSince)
        view.identityVersion = self[.identity]?.signed.record.version
        if let held = catalogRecord, case .catalog(let catalog) = held.signed.record.body {
            view.catalog = catalog
            view.catalogVersion = held.signed.record.version
        }
        if let held = loadRecord, case .load(let load) = held.signed.record.body {
            view.load = load
            view.loadVersion = held.signed.record.version
            view.loadHeardAt = held.heardAt
        }
        return view
    }
}

/// A doubt about one node, and who shares it (Lifeguard's LHA-Suspicion).
struct Suspicion: Sendable {
    var startedAt: Instant
    let leastSeconds: Double
    let mostSeconds: Double
    /// Confirmations that bring it from most to least; 0: it is the least from the start.
    let needed: Int
    var accusers: [NodeID]

    var deadline: Instant {
        guard needed > 0 else { return startedAt.adding(seconds: leastSeconds) }
        let confirmations = min(accusers.count - 1, needed)
        let part = binaryLogarithm(Double(confirmations + 1)) / binaryLogarithm(Double(needed + 1))
        return startedAt.adding(seconds: mostSeconds - (mostSeconds - leastSeconds) * part)
    }

    mutating func confirm(by accuser: NodeID) -> Bool {
        guard accusers.count <= needed, !accusers.contains(accuser) else { return false }
        accusers.append(accuser)
        return true
    }
}

/// What remains of a node that is forgotten: its records of this generation or below are refused.
struct Tombstone: Sendable {
    let generation: UInt64
    let state: NodeState
    /// Seconds since 1970 from which on the buried record's own certificate refuses it.
    let endsAt: UInt64
}

/// A seed address and, once someone answered there, who it was.
struct Seed: Sendable {
    let address: String
    var node: NodeID?
}

/// An exchange that we began.
struct PendingExchange: Sendable {
    enum Purpose: Sendable, Equatable {
        /// The first message of a round, or a message to one told first: its failure is a sign of death.
        case probe
        /// An announcement; its failure is a sign of death too.
        case announce
        /// Records; slow for many reasons.
        case transfer
        /// Asking a helper to try `target`.
        case ask(target: NodeID)
        /// Trying `target` for `asker`.
        case relay(target: NodeID, asker: NodeID)
        /// Telling an asker how it went.
        case report
    }

    let contact: Contact
    let purpose: Purpose
    let sentAt: Instant
    /// When it counts as failed although the shell never said so.
    let lostAt: Instant
    /// Messages exchanged before it in the same conversation.
    let depth: Int
    /// This process stood still meanwhile: failure proves nothing.
    var isBlameless = false
}

/// Peers trying a node for us.
struct IndirectProbe: Sendable {
    var helpers: [NodeID]
    let deadline: Instant
}
