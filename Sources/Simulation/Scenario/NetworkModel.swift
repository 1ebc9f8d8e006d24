/// How messages travel between nodes. Links are kept streams, as over TLS: nothing is lost in them but time, until they are reset.
public struct NetworkModel: Sendable, Equatable {
    /// One-way delay; each pair of nodes has its own, drawn once from this range, the same both ways.
    public var delaySeconds: ClosedRange<Double> = 0.01...0.04
    /// Added to each message, uniform from 0.
    public var jitterSeconds = 0.002
    /// Chance that a packet is lost. In a stream: it comes `retransmitSeconds` later (doubling with each loss of the same).
    public var loss = 0.0
    /// The first retransmission's delay; RFC 6298 has 1 s as the least, Linux 0.2 s.
    public var retransmitSeconds = 0.2
    /// Chance that a loss resets the link: the exchange fails, and the next one on it pays for a new connection.
    public var resetPerLoss = 0.01
    /// Chance that an exchange gets no answer at all, though the link stands: its sender learns by its timeout.
    public var exchangeFailure = 0.0
    /// Chance that a request comes twice (a retried one whose answer was lost).
    public var duplication = 0.0
    /// Chance that a message is overtaken: it comes up to three delays later.
    public var reorder = 0.0
    /// Bytes a second that each node can send; nil: no limit.
    public var bandwidthBytesPerSecond: Double?
    /// Datagrams instead of streams, for figures that are compared with a datagram protocol's: what is lost is lost.
    public var datagrams = false
    /// Seconds that an unused link is kept.
    public var idleLinkSeconds = 60.0
    /// Bytes that a new connection costs its two ends together, half each (TLS 1.3, mutual, certificates of two levels; measured).
    public var handshakeBytes = 4600
    /// Bytes on the wire besides, a message: TLS record, TCP and IP headers, and its acknowledgement (estimated).
    public var wireBytesPerMessage = 22 + 52 + 52

    public init() {}
}
