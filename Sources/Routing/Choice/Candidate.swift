public import Gossip

/// One model at one node, as far as the choice must know it. An object, since the choice looks at many for each request and a view has
/// them for many requests.
public final class Candidate: Sendable {
    public let node: NodeID
    public let isLocal: Bool
    public let nodeState: NodeState
    public let isDraining: Bool
    public let variant: Variant
    public let capabilities: Capabilities?
    public let load: LiveLoad
    /// Its node's name in 24 bits, for affinity.
    public let tag: UInt32
    /// What this node's word on users is worth there; nil for its own models, where it is not needed.
    public let vouching: Vouching?
    /// Where its node's own API is, as far as is known.
    public let api: String?
    /// Whether a request's data leaves its site for it.
    public let isAway: Bool
    /// Of this node's federation.
    let isOwn: Bool
    /// It runs, can be reached and takes whoever asks: what a request needs may still stand against it.
    let isOpen: Bool
    /// More than any request has where it is not known.
    let mostContextTokens: Int
    /// Two that have the same give the same answer on every user.
    let vouchingHash: Int

    /// - Parameter vouching: of this node's site, at the candidate's; nil where nobody has to be told who a user is.
    public init(
        node: NodeID, isLocal: Bool, nodeState: NodeState, isDraining: Bool, variant: Variant, load: LiveLoad,
        vouching: Vouching? = nil, api: String? = nil
    ) {
        self.vouching = vouching
        self.api = api
        isAway = !isLocal && vouching?.isOwn != true
        self.node = node
        self.isLocal = isLocal
        self.nodeState = nodeState
        self.isDraining = isDraining
        self.variant = variant
        capabilities = variant.capabilities.value.map { Capabilities(names: $0) }
        self.load = load
        tag = AffinityKey.tag("\(node)")
        isOwn = node.federation == nil
        isOpen =
            (nodeState == .alive || nodeState == .suspect) && variant.state == .running && variant.access.isEmpty
            && (isLocal || !isDraining && !variant.highAssurance && variant.policy != "local")
        mostContextTokens = variant.contextTokens.value ?? .max
        vouchingHash = vouching.hashValue
    }

    /// The same with what is known of its load put down elsewhere.
    func with(_ load: LiveLoad) -> Candidate {
        Candidate(
            node: node, isLocal: isLocal, nodeState: nodeState, isDraining: isDraining, variant: variant, load: load,
            vouching: vouching, api: api)
    }

    /// The state that users are told: a node that cannot be reached serves nothing, whatever its last catalog said.
    public var state: ModelState {
        switch nodeState {
        case .alive, .suspect: variant.state
        case .unreachable, .dead, .left: .disconnected
        }
    }
}

/// Why a candidate cannot serve a request. What a user is told of it is in `description`.
public enum Exclusion: Hashable, Sendable, CustomStringConvertible {
    case unreachable(NodeState)
    case draining
    case notRunning(ModelState)
    case siteNotAllowed
    case forbidden(AccessRefusal)
    /// By this node's own operator.
    case blocked(Block)
    /// The site does not take this node's word on who the user is.
    case notVouched(VouchingRefusal)
    /// It takes nobody's word; the URL of its own API, as far as is known.
    case highAssurance(api: String?)
    case data(DataRefusal)
    case localOnly
    case lacks(Capabilities)
    case contextTooShort(has: Int, needs: Int)
    case otherRevision(String?)
    case otherDtype(String?)
    /// Than the one that embeddings keep to.
    case otherVariant
    /// The job that runs it ends before the request would.
    case endsTooSoon(leftSeconds: Double, takesSeconds: Double)
    /// The model's routing policy names other sites.
    case notPinned
    case alreadyTried
    case failedLately

    public var description: String {
        switch self {
        case .unreachable(let state): "the node is \(state.rawValue)"
        case .draining: "the node is draining"
        case .notRunning(let state): "the model is \(state.rawValue) there"
        case .siteNotAllowed: "the request does not allow this site"
        case .forbidden(let refusal): refusal.description
        case .blocked(let block): block.exclusion
        case .notVouched(let refusal): refusal.description
        case .highAssurance(let api): Self.ownNodeOnly(api)
        case .data(let refusal): refusal.description
        case .localOnly: "the site serves this model to its own users only"
        case .lacks(let missing): "the variant lacks \(missing.names.joined(separator: ", "))"
        case .contextTooShort(let has, let needs): "its context holds \(has) tokens, the request needs about \(needs)"
        case .otherRevision(let found): "its revision is \(found ?? "unknown")"
        case .otherDtype(let found): "its dtype is \(found ?? "unknown")"
        case .otherVariant:
            "it has another variant, whose embeddings are not to be mixed with the usual one's (Mesh-Require: variant=any allows it)"
        case .endsTooSoon(let left, let takes):
            "its job ends in \(Int(min(left, 1e6))) s, the request would take about \(Int(min(takes, 1e6).rounded(.up))) s"
        case .notPinned: "the model's routing policy names other sites"
        case .alreadyTried: "tried already for this request"
        case .failedLately: "it failed a moment ago"
        }
    }

    /// Why a model of high assurance cannot be had by way of another node.
    static func ownNodeOnly(_ api: String?) -> String {
        "it takes no other node's word on who you are (highAssurance): "
            + "use its site's own API\(api.map { " at \($0)" } ?? "")"
    }

    /// Whether policy alone is why: nothing about the place or the request changes it.
    public var isPolicy: Bool {
        switch self {
        case .forbidden, .notVouched, .highAssurance, .data: true
        default: false
        }
    }
}
