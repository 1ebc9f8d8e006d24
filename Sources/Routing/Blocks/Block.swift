public import Gossip

/// What an operator can block at one node, by itself and at once (DESIGN.md §5).
public enum BlockKind: String, Codable, Sendable, CaseIterable {
    /// A site, or one node: `SITE` or `SITE/NODE`.
    case peer
    /// A subject or username.
    case user
    /// The id of an API key, or the name of a static token.
    case key
    case model
    /// Everything that is not of this node's own users on its own models; has no subject.
    case isolation

    /// The code of the errors that come of it.
    public var failure: RoutingFailure.Kind {
        switch self {
        case .peer: .peerBlocked
        case .user: .userBlocked
        case .key: .keyBlocked
        case .model: .modelBlocked
        case .isolation: .isolated
        }
    }
}

/// One block: what it is on, and why, by whom, since when and until when.
public struct Block: Codable, Sendable, Hashable {
    public let id: String
    public let kind: BlockKind
    /// Empty for an isolation.
    public let subject: String
    /// In the operator's words; for operators alone.
    public let reason: String
    /// Who set it.
    public let by: String
    /// Seconds since 1970.
    public let at: UInt64
    /// Seconds since 1970, by the wall clock; nil: until it is lifted.
    public let until: UInt64?

    /// Bytes that a subject, a reason may have.
    public static let subjectBytes = 256
    public static let reasonBytes = 512
    /// Blocks that one node holds.
    public static let allowed = 4096

    public init(
        id: String, kind: BlockKind, subject: String, reason: String, by: String, at: UInt64, until: UInt64? = nil
    ) {
        self.id = id
        self.kind = kind
        self.subject = subject
        self.reason = reason
        self.by = by
        self.at = at
        self.until = until
    }

    public func isInForce(nowSeconds: UInt64) -> Bool { until.map { nowSeconds < $0 } ?? true }

    /// Why a candidate is none.
    var exclusion: String {
        switch kind {
        case .peer: "this node's operator has blocked \(subject)"
        case .isolation: "this node is isolated by its operator"
        case .model: "this node's operator has blocked the model"
        case .user, .key: "this node's operator has blocked the user"
        }
    }

    /// For whoever it hits. The operator's reason is not theirs to read.
    public func message(at me: NodeID) -> String {
        switch kind {
        case .peer: "\(subject) is blocked by the operator of \(me) (block \(id))"
        case .user: "you are blocked by the operator of \(me) (block \(id)): ask them"
        case .key: "this key is blocked by the operator of \(me) (block \(id)): ask them"
        case .model: "the model \(subject) is blocked by the operator of \(me) (block \(id))"
        case .isolation: "\(me) is isolated by its operator (block \(id)): it serves its own users by its own models alone"
        }
    }
}
