public import Gossip

/// What a request needs of the place that runs it; everything the choice may depend on.
public struct RequestNeeds: Sendable {
    /// Model id or alias as the client wrote it, without `@site`.
    public var model: String
    public var capabilities: Capabilities
    /// At least this many tokens of context: a cautious estimate of the prompt, plus the tokens asked for.
    public var contextTokens: Int
    /// Tokens of the prompt, as estimated.
    public var promptTokens = 0
    /// Tokens that the answer is expected to have.
    public var answerTokens = 0
    /// What requests that begin alike share (`AffinityKey`); 0: nothing is known of it.
    public var affinity: UInt64 = 0
    /// The `Candidate.tag` of the place that last served such a one; 0: not known.
    public var servedBy: UInt32 = 0
    public var policy = RoutingPolicy.best
    /// Sites in their order, where the policy is `pinned`.
    public var order: [String]?
    /// Sites it may run at; nil: any.
    public var sites: [String]?
    /// Pinned by `Mesh-Require`.
    public var revision: String?
    public var dtype: String?
    /// Its caller allows embeddings of whichever variant.
    public var mayChangeVariant = false
    /// The variant that it keeps to, whole; nil: any.
    public var variant: VariantKey?
    /// Who asks; nil: nobody that is known, whom only what is open to all may serve.
    public var user: RequestUser?
    /// Seconds since 1970, for rules about the age of a login.
    public var nowSeconds: UInt64 = 0
    /// What this node's operator has blocked; nil: nothing.
    public var blocks: BlockSet?
    /// What its data asks of the place.
    public var data = DataDemands.none
    /// For an operator who asks how the mesh would choose: rules are left out.
    public var ignoresAccess = false

    public init(
        model: String, capabilities: Capabilities = [], contextTokens: Int = 0, sites: [String]? = nil,
        revision: String? = nil,
        dtype: String? = nil
    ) {
        self.model = model
        self.capabilities = capabilities
        self.contextTokens = contextTokens
        self.sites = sites
        self.revision = revision
        self.dtype = dtype
    }
}

/// What a variant can do, as a set.
public struct Capabilities: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let chat = Capabilities(rawValue: 1)
    public static let completions = Capabilities(rawValue: 2)
    public static let embeddings = Capabilities(rawValue: 4)
    public static let tools = Capabilities(rawValue: 8)
    public static let images = Capabilities(rawValue: 16)
    public static let structuredOutput = Capabilities(rawValue: 32)
    public static let logprobs = Capabilities(rawValue: 64)
    public static let audio = Capabilities(rawValue: 128)
    public static let reasoning = Capabilities(rawValue: 256)

    /// The names used in configuration and catalog.
    public static let names: [(String, Capabilities)] = [
        ("chat", .chat), ("completions", .completions), ("embeddings", .embeddings), ("tools", .tools), ("images", .images),
        ("structuredOutput", .structuredOutput), ("logprobs", .logprobs), ("audio", .audio), ("reasoning", .reasoning),
    ]

    public init(names: [String]) {
        self = []
        for (name, capability) in Self.names where names.contains(name) { insert(capability) }
    }

    public var names: [String] { Self.names.filter { contains($0.1) }.map(\.0) }
}
