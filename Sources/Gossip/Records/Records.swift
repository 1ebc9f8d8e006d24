/// A node's name: the site it belongs to and its own name there. Both match `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`.
public struct NodeID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    /// nil: this node's own. Others are known by a link's certificates alone; nothing that is read names one.
    public private(set) var federation: String?
    public var site: String
    public var node: String

    private enum CodingKeys: String, CodingKey {
        case site, node
    }

    public init(federation: String? = nil, site: String, node: String) {
        self.federation = federation
        self.site = site
        self.node = node
    }

    /// The site as people and requests name it; of another federation `FEDERATION:SITE`.
    public var siteName: String { federation.map { "\($0):\(site)" } ?? site }

    public var description: String { "\(siteName)/\(node)" }

    public static func < (a: NodeID, b: NodeID) -> Bool {
        (a.federation ?? "", a.site, a.node) < (b.federation ?? "", b.site, b.node)
    }
}

/// How new a record is. A node's generation rises with each start; the sequence with each change inside it.
public struct Version: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    public var generation: UInt64
    public var sequence: UInt64

    public init(generation: UInt64, sequence: UInt64) {
        self.generation = generation
        self.sequence = sequence
    }

    public var description: String { "\(generation).\(sequence)" }

    public static func < (a: Version, b: Version) -> Bool {
        (a.generation, a.sequence) < (b.generation, b.sequence)
    }
}

/// The records that a node writes about itself, most important first.
public enum RecordKind: UInt8, CaseIterable, Codable, Sendable {
    case identity = 1
    case catalog = 2
    case load = 3
}

/// One thing that a node says of itself. Only `origin` may sign it.
public struct Record: Codable, Sendable, Equatable {
    public var federation: String
    public var origin: NodeID
    public var version: Version
    /// Seconds since 1970 when it was signed; a record from more than 300 s ahead is refused.
    public var issuedAt: UInt64
    public var body: RecordBody

    public init(federation: String, origin: NodeID, version: Version, issuedAt: UInt64, body: RecordBody) {
        self.federation = federation
        self.origin = origin
        self.version = version
        self.issuedAt = issuedAt
        self.body = body
    }
}

extension Record {
    public var identity: Identity? { if case .identity(let identity) = body { identity } else { nil } }
    public var catalog: Catalog? { if case .catalog(let catalog) = body { catalog } else { nil } }
    public var load: Load? { if case .load(let load) = body { load } else { nil } }
}

/// What a record says. Held by reference: an identity is some hundred bytes, and records pass through many hands.
public indirect enum RecordBody: Codable, Sendable, Equatable {
    case identity(Identity)
    case catalog(Catalog)
    case load(Load)

    public var kind: RecordKind {
        switch self {
        case .identity: .identity
        case .catalog: .catalog
        case .load: .load
        }
    }
}

/// Where a node is and what it runs. `certificate` (base64 DER of the leaf) is what its other records are checked with.
public struct Identity: Codable, Sendable, Equatable {
    public var api: String
    public var mesh: String
    public var certificate: String
    public var certificateExpires: UInt64
    public var software: String
    public var draining: Bool
    /// True in a node's last record: it leaves of its own will.
    public var left: Bool
    /// The scope of a Globus token that this node takes; nil: it takes none. `scopeBytesAllowed` at most.
    public var scope: String?
    /// A node that takes no calls: those that carry them to it, `carriersAllowed` at most; none just now, if empty. nil: it is called
    /// at `mesh`.
    public var via: [NodeID]?

    /// Base64 DER of the certificates between `certificate` and a root, the nearest first; nil: a root signed it.
    /// `issuersAllowed` at most, each of `issuerBytesAllowed` at most.
    public var issuers: [String]?
    /// Whether it takes joins and renewals (a registration authority).
    public var issues: Bool?
    /// Names what it holds of the federation operator's statements: equal at two nodes that hold the same; nil: nothing.
    public var ledger: String?
    /// Serial of the trust bundle in force there; nil: what it was set up with. Signed by the node, passed on by all: this is
    /// how an operator knows that a phase of a rollover has reached everyone.
    public var bundle: UInt64?
    /// The highest version of gossip's wire form that it speaks; nil: 1. Set by the machine that signs.
    public var gossip: UInt8?

    public static let issuersAllowed = 3
    public static let issuerBytesAllowed = 8192
    public static let ledgerBytesAllowed = 128

    /// Bytes of `scope`.
    public static let scopeBytesAllowed = 512
    /// Nodes in `via`.
    public static let carriersAllowed = 8

    public init(
        api: String, mesh: String, certificate: String, certificateExpires: UInt64, software: String,
        draining: Bool = false, left: Bool = false, scope: String? = nil, via: [NodeID]? = nil
    ) {
        self.api = api
        self.mesh = mesh
        self.certificate = certificate
        self.certificateExpires = certificateExpires
        self.software = software
        self.draining = draining
        self.left = left
        self.scope = scope
        self.via = via
    }
}

/// What a node can run.
public struct Catalog: Codable, Sendable, Equatable {
    public var models: [Variant]
    /// By entry site, the domains of users for whom this node takes that site's word; sites that are not named are bound by their
    /// admission alone. nil: none is named.
    public var vouching: [String: [String]]?
    /// By linked federation, the ids of the models that this node offers to it; nil: none.
    public var linked: [String: [String]]?

    public init(models: [Variant], vouching: [String: [String]]? = nil, linked: [String: [String]]? = nil) {
        self.models = models
        self.vouching = vouching
        self.linked = linked
    }
}

/// Where a fact about a variant comes from.
public enum Provenance: String, Codable, Sendable {
    case declared, observed, unknown
}

/// A fact about a variant and where it comes from: `unknown` has no value.
public struct Fact<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    public var value: Value?
    public var provenance: Provenance

    public init(_ value: Value?, _ provenance: Provenance) {
        self.value = value
        self.provenance = value == nil ? .unknown : provenance
    }

    public static var unknown: Fact { Fact(nil, .unknown) }
    public static func declared(_ value: Value) -> Fact { Fact(value, .declared) }
    public static func observed(_ value: Value) -> Fact { Fact(value, .observed) }
}

/// FIRST's words for what a model is doing, which its users know.
public enum ModelState: String, Codable, Sendable, CaseIterable {
    case running, starting, queued, stopped, failed, offline, disconnected, maintenance, unknown
}

/// What a model is at one site. The same id at two sites need not be the same model.
public struct Variant: Codable, Sendable, Equatable {
    public var id: String
    public var aliases: [String]
    public var state: ModelState
    /// Why it is in its state, in the scheduler's words; nil where nobody said.
    public var stateReason: String?
    /// `openai`, `globusCompute`, `first` or `simulated`.
    public var backend: String
    public var repository: Fact<String>
    public var revision: Fact<String>
    /// Data type or quantization, for example `bf16`, `Q4_1`.
    public var dtype: Fact<String>
    public var contextTokens: Fact<Int>
    /// Of `chat`, `completions`, `embeddings`, `tools`, `images`, `audio`, `structuredOutput`, `reasoning`, `logprobs`.
    public var capabilities: Fact<[String]>
    public var engine: Fact<String>
    public var engineVersion: Fact<String>
    public var etaSeconds: Double?
    public var walltimeRemainingSeconds: Double?
    public var policy: String
    /// Rules that stand on it at its site, all of which a user must meet; the site checks them itself again.
    public var access: [NamedRule]
    /// Leave for other sites to use the endpoint while this node is away; nil: none.
    public var direct: DirectOffer?
    /// Whether its site starts it where it does not run; nil: nobody can start it.
    public var start: StartOffer?
    /// It takes no other site's word on who a user is: its users come to its own node.
    public var highAssurance: Bool
    /// Labels of data that it accepts, such as `phi`; a request that bears one runs nowhere else.
    public var dataClasses: [String]
    /// The way that data takes from its node to it; nil: not told.
    public var path: DataPath?

    public init(
        id: String, aliases: [String] = [], state: ModelState, backend: String, repository: Fact<String> = .unknown,
        revision: Fact<String> = .unknown, dtype: Fact<String> = .unknown, contextTokens: Fact<Int> = .unknown,
        capabilities: Fact<[String]> = .unknown, engine: Fact<String> = .unknown, engineVersion: Fact<String> = .unknown,
        etaSeconds: Double? = nil, walltimeRemainingSeconds: Double? = nil, policy: String = "federation",
        access: [NamedRule] = [], direct: DirectOffer? = nil, start: StartOffer? = nil, highAssurance: Bool = false,
        dataClasses: [String] = [], path: DataPath? = nil
    ) {
        self.id = id
        self.aliases = aliases
        self.state = state
        self.backend = backend
        self.repository = repository
        self.revision = revision
        self.dtype = dtype
        self.contextTokens = contextTokens
        self.capabilities = capabilities
        self.engine = engine
        self.engineVersion = engineVersion
        self.etaSeconds = etaSeconds
        self.walltimeRemainingSeconds = walltimeRemainingSeconds
        self.policy = policy
        self.access = access
        self.direct = direct
        self.start = start
        self.highAssurance = highAssurance
        self.dataClasses = dataClasses
        self.path = path
    }
}

/// How busy a node's models are, and how far its audit log has come.
public struct Load: Codable, Sendable, Equatable {
    public var models: [ModelLoad]
    /// What others keep as witnesses; nil: the node keeps no audit log.
    public var audit: AuditHead?

    public init(models: [ModelLoad], audit: AuditHead? = nil) {
        self.models = models
        self.audit = audit
    }
}

/// The newest entry of a node's audit log.
public struct AuditHead: Codable, Sendable, Equatable {
    public var sequence: UInt64
    /// SHA-256 in hexadecimal digits.
    public var hash: String

    public init(sequence: UInt64, hash: String) {
        self.sequence = sequence
        self.hash = hash
    }
}

/// One model's load. `nil` is unknown.
public struct ModelLoad: Codable, Sendable, Equatable {
    public var id: String
    public var slots: Int
    public var running: Int
    public var waiting: Int
    public var tokensPerSecond: Double?
    public var queueSeconds: Double?
    public var timeToFirstTokenSeconds: Double?
    public var walltimeRemainingSeconds: Double?

    public init(
        id: String, slots: Int, running: Int, waiting: Int, tokensPerSecond: Double? = nil, queueSeconds: Double? = nil,
        timeToFirstTokenSeconds: Double? = nil, walltimeRemainingSeconds: Double? = nil
    ) {
        self.id = id
        self.slots = slots
        self.running = running
        self.waiting = waiting
        self.tokensPerSecond = tokensPerSecond
        self.queueSeconds = queueSeconds
        self.timeToFirstTokenSeconds = timeToFirstTokenSeconds
        self.walltimeRemainingSeconds = walltimeRemainingSeconds
    }
}
