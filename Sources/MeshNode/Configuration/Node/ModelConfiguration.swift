/// A model that a site offers: what is declared of it, and the server that runs it.
struct ModelConfiguration: Equatable, Sendable {
    static let aliasesAllowed = 32

    var id: String
    var aliases: [String] = []
    var backend: BackendConfiguration
    var description = ModelDescription()
    var policy = Policy.federation

    /// Whether other sites may submit to its endpoint while this site's nodes are away.
    var isOffered: Bool { if case .globusCompute(let globus) = backend { globus.direct != nil } else { false } }
    var isBehindGlobus: Bool { if case .globusCompute = backend { true } else { false } }

    /// Who may use the model.
    enum Policy: String, CaseIterable, Sendable {
        /// Users of every site of the federation.
        case federation
        /// Requests that came to this site's own nodes.
        case local
    }
}

/// What is declared of a model. What is left out is asked of its server, where that tells.
struct ModelDescription: Equatable, Sendable {
    /// Where the weights come from, such as `meta-llama/Llama-3.1-8B-Instruct`.
    var repository: String?
    var revision: String?
    /// Data type or quantization, such as `bf16` or `Q4_K_M`.
    var dtype: String?
    var contextTokens: Int?
    var capabilities: [ModelCapability]?
}

/// What a model can do, in the words of the catalog.
enum ModelCapability: String, CaseIterable, Sendable {
    case chat, completions, embeddings, tools, images, audio, structuredOutput, reasoning, logprobs
}

/// The server behind a model.
enum BackendConfiguration: Equatable, Sendable {
    /// Any server that speaks the OpenAI API: vLLM, llama.cpp, SGLang and others.
    case openAI(OpenAIBackend)
    /// A function at a Globus Compute endpoint, beside an inference server there.
    case globusCompute(GlobusComputeBackend)
    /// A stand-in that answers with made-up text and says so. `url` is its base URL.
    case simulated(url: String)
}

/// An inference server with the OpenAI API.
struct OpenAIBackend: Equatable, Sendable {
    /// The base URL, `/v1` included.
    var url: String
    /// Where its API key is: in a file (absolute path) or in an environment variable; neither for none.
    var keyFile: String?
    var keyEnvironment: String?
    /// The root that its certificate must lead to, instead of the system's; `https` only.
    var caFile: String?
    /// The model's name at the server, where it is not `id`.
    var upstreamModel: String?
    /// Requests it runs at once; nil: asked of the server.
    var slots: Int?
}

/// The kinds of backend; those of a later version are known, to be refused by name.
enum BackendKind: String, CaseIterable, Sendable {
    case openai, simulated, globusCompute, first
}
