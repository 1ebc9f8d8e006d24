/// Whom to exchange with.
public struct Contact: Hashable, Sendable {
    /// nil for a seed not yet known: whoever answers proves by TLS who it is.
    public var node: NodeID?
    /// `host:port` of the mesh port.
    public var address: String

    public init(node: NodeID?, address: String) {
        self.node = node
        self.address = address
    }
}

/// Names one exchange from its directive to its reply or failure. Never used twice by one machine.
public struct ExchangeID: Hashable, Comparable, Sendable {
    public let value: UInt64
    public init(value: UInt64) { self.value = value }
    public static func < (a: ExchangeID, b: ExchangeID) -> Bool { a.value < b.value }
}

/// What the shell has to do, in this order.
public enum Directive: Sendable, Equatable {
    /// Send `message` and hand the answer to `onReply`, or call `onExchangeFailed` after the timeout or any error.
    case exchange(id: ExchangeID, with: Contact, message: Message, timeoutSeconds: Double)
    /// The view differs from before.
    case changed(Change)
    /// Store before anything after it is sent: the next start must begin above it.
    case persistGeneration(UInt64)
    case log(Notice)
}

/// What is new in the view.
public enum Change: Sendable, Equatable {
    /// `from` is nil for a node first heard of.
    case nodeState(NodeID, from: NodeState?, to: NodeState)
    case record(NodeID, RecordKind)
    /// Dead or gone for long, and no longer in the view.
    case forgotten(NodeID)
}

/// Something an operator may want to know.
public enum Notice: Sendable, Equatable {
    /// `origin` is nil where the record could not be read so far.
    case refused(RecordRefusal, from: NodeID, origin: NodeID?)
    /// This seed is ourselves; it is not tried again.
    case seedIsSelf(address: String)
    /// Another node answered at the address than the one meant.
    case wrongNode(expected: NodeID, found: NodeID)
    /// Someone held a newer generation of ours (a state restored, a clock set back, or a second node with our name).
    case generationRaised(from: UInt64, to: UInt64)
    /// Our own record could not be published.
    case notPublished(RecordKind, reason: String)
    /// More than half looks dead: no verdicts until that passes or the time for doubt is over.
    case doubting(Bool)
    /// Nothing of what this peer says counts for a while: it handed over what no honest node does.
    case greylisted(NodeID, score: Int)
    /// A node signed two different records of one version; the first that came is kept.
    case equivocated(NodeID, RecordKind)
    /// This process stood still, so what timed out meanwhile proves nothing.
    case paused(seconds: Double)
}

/// Sums since the machine was made.
public struct Counters: Sendable, Equatable {
    public var ticks: UInt64 = 0
    public var exchangesBegun: UInt64 = 0
    public var exchangesFailed: UInt64 = 0
    public var exchangesAnswered: UInt64 = 0
    public var recordsAccepted: UInt64 = 0
    /// Tokens held already, byte for byte: not opened again.
    public var recordsKnown: UInt64 = 0
    /// Tokens handed to the authority.
    public var recordsOpened: UInt64 = 0
    public var recordsSent: UInt64 = 0
    /// Bytes of all messages, requests and replies, with the heads that carry them.
    public var bytesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    /// Conversations that were not begun for want of budget or of room in the tick.
    public var exchangesPutOff: UInt64 = 0
    /// Replies that were cut to an acknowledgement, or left out, for want of budget.
    public var repliesCut: UInt64 = 0
    /// Deltas that did not hold all that was asked for.
    public var deltasCut: UInt64 = 0
    /// Requests of peers that ask too often.
    public var requestsRefused: UInt64 = 0
    public var peersGreylisted: UInt64 = 0
    /// Deltas of which not all was opened, since their bringer had us open too much.
    public var openingsPutOff: UInt64 = 0
    public var refusals: [RecordRefusal: UInt64] = [:]

    public init() {}
}
