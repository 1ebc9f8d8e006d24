import Gossip
import Routing

/// A model that a site offers: what is declared of it, and the server that runs it.
struct ModelConfiguration: Equatable, Sendable {
    static let aliasesAllowed = 32

    var id: String
    var aliases: [String] = []
    var backend: BackendConfiguration
    var description = ModelDescription()
    var policy = Policy.federation
    /// Who may use it, beside what holds for the whole site.
    var access: AccessRule?
    /// Who waits for it, and how long.
    var admission = AdmissionConfiguration()
    /// What data it takes, and from whom.
    var data = ModelDataConfiguration()
    /// How it is started where it does not run, and for whom.
    var start: Starter.Settings?

    /// The way that data takes to it.
    var path: DataPath? { data.path ?? DataPath(backend: backend.kind.rawValue) }

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
    /// What serves it, such as `vLLM`: by it is known how an answer that broke is gone on with.
    var engine: String?
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
    /// A cluster behind a FIRST gateway, version 1.
    case first(FirstBackend)
}

/// An inference server with the OpenAI API.
struct OpenAIBackend: Equatable, Sendable {
    /// The base URL, `/v1` included.
    var url: String
    /// Where its API key is: in a file (absolute path) or in an environment variable; neither for none.
    var keyFile: String?
    var keyEnvironment: String?
    /// Where its bearer token is instead, if that changes while the node runs: in a file (absolute path), or told by a program.
    var tokenFile: String?
    var tokenCommand: TokenCommandConfiguration?
    /// The root that its certificate must lead to, instead of the system's; `https` only.
    var caFile: String?
    /// The model's name at the server, where it is not `id`.
    var upstreamModel: String?
    /// Requests it runs at once; nil: asked of the server.
    var slots: Int?
}

/// A program that writes a bearer token to its standard output.
struct TokenCommandConfiguration: Equatable, Sendable {
    static let argumentsAllowed = 64
    static let secondsAllowed = 1.0...86400.0

    /// The program first; run without a shell.
    var arguments: [String]
    /// How long a token holds.
    var seconds = 600.0
}

/// A cluster behind a FIRST gateway.
struct FirstBackend: Equatable, Sendable {
    /// The gateway's base URL, such as `https://first.example.org/resource_server`.
    var url: String
    var cluster: String
    var framework: String
    /// The model's name at the gateway, where it is not `id`.
    var upstreamModel: String?
    /// Requests it takes at once; nil: as for any server that does not tell.
    var slots: Int?
    /// The root that its certificate must lead to, instead of the system's; `https` only.
    var caFile: String?
    /// How long a job may run there, in seconds; nil: the walltime that remains is not told.
    var walltimeSeconds: Double?
    /// Where the token of this site's account comes from: exactly one of the three.
    var token: TokenClientConfiguration?
    var tokenFile: String?
    var tokenCommand: TokenCommandConfiguration?
}

/// A client of Globus Auth that gets its tokens by its own secret (OAuth 2.0 client credentials, RFC 6749 §4.4).
struct TokenClientConfiguration: Equatable, Sendable {
    var clientID: String
    /// Where the secret is: in a file (absolute path) or in an environment variable.
    var secretFile: String?
    var secretEnvironment: String?
    /// Of one service: the token is asked for by the name of that service in it.
    var scope: String
    /// Base URL of Globus Auth, where it is not the usual one.
    var authURL: String?

    /// The service that a scope belongs to, as Globus Auth names it in its answers: `ID` in
    /// `https://auth.globus.org/scopes/ID/NAME` and in `urn:globus:auth:scope:ID:NAME`; nil for other scopes.
    static func resourceServer(ofScope scope: String) -> String? {
        guard !scope.contains(where: { $0 == " " || $0 == "[" }) else { return nil }
        if scope.hasPrefix("urn:globus:auth:scope:") {
            let parts = scope.split(separator: ":", omittingEmptySubsequences: false)
            return parts.count == 6 && !parts[4].isEmpty ? String(parts[4]) : nil
        }
        let parts = scope.split(separator: "/", omittingEmptySubsequences: false)
        guard scope.hasPrefix("https://"), parts.count == 6, parts[3] == "scopes", !parts[4].isEmpty else { return nil }
        return String(parts[4])
    }
}

/// The kinds of backend; those of a later version are known, to be refused by name.
enum BackendKind: String, CaseIterable, Sendable {
    case openai, simulated, globusCompute, first
}
