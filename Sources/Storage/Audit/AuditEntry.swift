public import Trust

/// Something that happened, as it is handed to the audit log.
public struct AuditEvent: Sendable, Equatable {
    public var kind: AuditKind
    /// Who did it: an operator's name, a node, a network address.
    public var actor: String
    /// What it was done to.
    public var subject: String
    /// One line for people. Never a secret.
    public var detail: String
    /// Milliseconds since 1970: when it happened, for several the last time.
    public var at: UInt64
    /// When it first happened, where several are told of as one.
    public var firstAt: UInt64
    /// How often it happened.
    public var count: UInt64

    init(_ kind: AuditKind, actor: String, subject: String, detail: String, at: UInt64) {
        self.kind = kind
        self.actor = AuditText.clean(actor, bytes: AuditText.nameBytes)
        self.subject = AuditText.clean(subject, bytes: AuditText.nameBytes)
        self.detail = AuditText.clean(detail, bytes: AuditText.detailBytes)
        self.at = at
        firstAt = at
        count = 1
    }
}

/// One link of the audit log's chain.
public struct AuditEntry: Sendable, Equatable {
    /// From 1, without gaps.
    public var sequence: UInt64
    /// Milliseconds since 1970; of several told as one, the last.
    public var at: UInt64
    public var firstAt: UInt64
    public var count: UInt64
    /// An `AuditKind`, or one of a later version.
    public var kind: String
    public var actor: String
    public var subject: String
    public var detail: String
    /// Over the entry and the hash before it: see `AuditChain`.
    public var hash: SHA256Digest

    init(_ event: AuditEvent, sequence: UInt64, after previous: SHA256Digest) {
        self.sequence = sequence
        at = event.at
        firstAt = event.firstAt
        count = event.count
        kind = event.kind.rawValue
        actor = event.actor
        subject = event.subject
        detail = event.detail
        hash = previous
        hash = AuditChain.hash(of: self, after: previous)
    }

    /// An entry as it was found.
    init(
        sequence: UInt64, at: UInt64, firstAt: UInt64, count: UInt64, kind: String, actor: String, subject: String,
        detail: String, hash: SHA256Digest
    ) {
        self.sequence = sequence
        self.at = at
        self.firstAt = firstAt
        self.count = count
        self.kind = kind
        self.actor = actor
        self.subject = subject
        self.detail = detail
        self.hash = hash
    }
}

/// How far a chain has come: what is told to peers, who keep it as witnesses.
public struct ChainHead: Sendable, Equatable {
    /// Of the newest entry; 0: there is none.
    public var sequence: UInt64
    public var hash: SHA256Digest

    public init(sequence: UInt64, hash: SHA256Digest) {
        self.sequence = sequence
        self.hash = hash
    }
}
