/// One request or reply between two nodes. Who sent it is proven by the connection, not said in it.
public struct Message: Hashable, Sendable {
    public var body: Body
    /// What the sender thinks is wrong with other nodes, the receiver among them: the accused is told first.
    public var claims: [Claim]
    /// The version of the wire form that it came in, or goes out in.
    public var version: UInt8

    public init(_ body: Body, claims: [Claim] = [], version: UInt8 = WireLimits.versions.upperBound) {
        self.body = body
        self.claims = claims
        self.version = version
    }

    /// Nothing but "heard": needs no body on the wire, from version 2 on.
    public var isBareAcknowledgement: Bool { version > 1 && claims.isEmpty && body == .ack }

    public enum Body: Hashable, Sendable {
        /// Opens a round. Answered by `ack` if both hold the same, else by `digest` or `buckets`; by `announce` where the last changes
        /// explain the difference (from version 2 on), and by `delta` to a newcomer.
        case summary(Summary)
        /// 64 hashes, one a bucket of origins. Answered by `digest` of the buckets that differ.
        case buckets([UInt64])
        /// What the sender holds in the buckets of `mask` (bit n: bucket n). Answered by `delta`.
        case digest(mask: UInt64, [DigestEntry])
        /// Records that the receiver lacks, and what the sender holds of those that it lacks. Answered by `delta` or `ack`.
        case delta(Delta)
        /// What is new, without the records. Answered by `delta` with wants, or `ack`; itself an answer to `summary`.
        case announce([DigestEntry])
        /// Are you there? Answered by `ack`.
        case ping
        /// Try this node for me. Answered by `ack` and later by a `probeResult` sent the other way, or by that at once.
        case probe(NodeID)
        case probeResult(NodeID, reachable: Bool)
        case ack
    }
}

/// Records on their way.
public struct Delta: Hashable, Sendable {
    public var items: [DeltaItem]
    public var wants: [DigestEntry]
    /// These items answer an announcement: announce on what was new.
    public var isNews: Bool
    /// The byte budget cut the items short: ask again.
    public var hasMore: Bool

    /// Bytes of one at most, besides items and wants.
    static let headBytes = 16

    public init(items: [DeltaItem] = [], wants: [DigestEntry] = [], isNews: Bool = false, hasMore: Bool = false) {
        self.items = items
        self.wants = wants
        self.isNews = isNews
        self.hasMore = hasMore
    }
}

/// A token and what it claims to be, so that what is held already need not be opened.
public struct DeltaItem: Hashable, Sendable {
    public var origin: UInt64
    public var kind: RecordKind
    public var version: Version
    public var token: [UInt8]

    /// Bytes of one at most, besides its token.
    static let headBytes = 24

    public init(origin: UInt64, kind: RecordKind, version: Version, token: [UInt8]) {
        self.origin = origin
        self.kind = kind
        self.version = version
        self.token = token
    }
}

/// "This node, as of this version of its identity, is in this state." A newer identity refutes it.
public struct Claim: Hashable, Sendable {
    public var node: NodeID
    public var version: Version
    public var state: NodeState
    /// Passed on unchecked. Version 1 of the wire form cannot say so: there only what was found by the sender itself goes.
    public var isHearsay: Bool

    public init(node: NodeID, version: Version, state: NodeState, isHearsay: Bool = false) {
        self.node = node
        self.version = version
        self.state = state
        self.isHearsay = isHearsay
    }
}

/// Hard limits of the wire form, at both ends.
public enum WireLimits {
    /// Those that this program reads and writes: its own and the one before.
    public static let versions: ClosedRange<UInt8> = 1...2
    public static let messageBytes = 1 << 20
    public static let tokenBytes = 65_536
    public static let items = 256
    public static let entries = 4096
    public static let claims = 64
}

/// Why bytes are not a message.
public enum CodecError: Error, Hashable, Sendable {
    case tooLarge
    case truncated
    case trailingBytes
    case unknownVersion(UInt8)
    case unknownKind(UInt8)
    case badValue
}
