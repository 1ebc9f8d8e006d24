public import Gossip
public import Storage
public import Transport

/// What the API port answers with beside the mesh itself.
public struct NodeFacts: Sendable {
    public let federation: String
    public let software: String
    public let startedAt: UInt64
    public let bodyLimit: Int
    /// Bytes of an answer that a function brings by callback.
    public let answerLimit = 256 << 20
    /// Nanoseconds between two pieces of such an answer.
    public let callbackTimeout: UInt64
    /// What FIRST's functions prove themselves by; nil: none run here.
    let internalSecret: [UInt8]?
    /// Rules for all that comes to this node, whichever site serves it.
    public var rules: [NamedRule] = []
    /// Where the data of this node's users may go.
    public var data = DataPolicy.none
    /// The API's own URL, as clients are told, without a slash at its end.
    public var apiURL = ""
    /// How people log in; nil: they do not.
    public var login: LoginFacts?
    /// The API keys; nil: there are none.
    public var keys: KeyStore?
    /// Where what somebody may have to answer for is written down; nil: nowhere.
    public var audit: AuditLog?
    /// The receipts that outlive the router's memory; nil: none do.
    public var receipts: ReceiptShelf?
    /// What the operator has blocked; nil: nothing can be.
    public var blocks: BlockStore?
    /// The flow behind `/login`; nil: there is no such page.
    public var webLogin: (any WebLoginFlow)?
    /// Who makes invitations to the federation; nil: this node is no registration authority.
    public var inviting: (any Inviting)?
    /// This node's place in its federation; nil: it has none.
    public var federationControl: (any FederationControl)?
    /// Whether an address is that of a declared proxy, whose `X-Forwarded-For` counts.
    public var isProxy: @Sendable (SocketAddress) -> Bool = { _ in false }

    /// - Parameters:
    ///   - startedAt: seconds since 1970.
    ///   - bodyLimit: bytes of an inference request's body.
    ///   - callbackTimeout: nanoseconds between two pieces of an answer that a function brings.
    public init(
        federation: String, software: String, startedAt: UInt64, bodyLimit: Int, callbackTimeout: UInt64 = 300_000_000_000,
        internalSecret: [UInt8]? = nil
    ) {
        self.federation = federation
        self.software = software
        self.startedAt = startedAt
        self.bodyLimit = bodyLimit
        self.callbackTimeout = callbackTimeout
        self.internalSecret = internalSecret
    }
}
