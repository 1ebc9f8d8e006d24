import Gossip
import Routing

/// A whole federation on one machine, for `meshnode up topology/NAME.json5`. docs/configuration.md is its reference.
struct Topology: Equatable, Sendable {
    static let sitesAllowed = 64
    static let nodesPerSiteAllowed = 16
    /// Of all sites together.
    static let modelsAllowed = 256

    var federation: String
    /// What it shows, for people.
    var description: String?
    /// Fixed tokens, good at every node; nil: drawn at random by `up`.
    var tokens: Tokens?
    var timing = Timing()
    /// Event loops of each node; 0 is one a core.
    var loops = 0
    /// Of each node.
    var limits = LimitConfiguration()
    var routing = RoutingPolicies()
    /// Of each node, where its site says nothing else.
    var authentication = AuthenticationConfiguration()
    var access = AccessConfiguration()
    var data = DataPolicy.none
    var keys = KeyConfiguration()
    /// Of each node.
    var receipts = ReceiptConfiguration()
    var sites: [Site]

    /// One token a role, in the clear: only ever for nodes that end with `up`.
    struct Tokens: Equatable, Sendable {
        var user: String
        var viewer: String
        var `operator`: String
    }

    /// Settings of every node that may differ from a real site's for a demonstration or test.
    struct Timing: Equatable, Sendable {
        var timeouts = TimeoutConfiguration()
        var health = HealthConfiguration()
    }

    struct Site: Equatable, Sendable {
        var site: String
        var nodes: [Node]
        /// Each node of the site offers all of them.
        var models: [Model]
        /// In place of the topology's.
        var authentication: AuthenticationConfiguration?
        var access: AccessConfiguration?
        var data: DataPolicy?
        var keys: KeyConfiguration?
        /// Its nodes take no calls: those of `carriers` carry them.
        var outboundOnly = false
        /// Sites (each of their nodes) or nodes (`site/node`).
        var carriers: [String] = []
        /// Other federations that each node of the site is linked with.
        var links: [LinkConfiguration] = []
        /// Domains of users for whom the federation admits the site's word; `*`: all.
        var vouches = [Vouching.any]
    }

    struct Node: Equatable, Sendable {
        var node: String
        /// 0: the kernel chooses.
        var apiPort = 0
        var meshPort = 0
    }

    struct Model: Equatable, Sendable {
        var id: String
        var aliases: [String] = []
        /// What it is doing when `up` is ready.
        var state = State.running
        var backend: Backend
        var description = ModelDescription()
        var policy = ModelConfiguration.Policy.federation
        var access: AccessRule?
        var admission = AdmissionConfiguration()
        /// Beside the path of its backend, where that differs from its kind's.
        var data = ModelDataConfiguration()
        var start: Starter.Settings?

        /// The way that data takes to it.
        var path: DataPath? {
            if let path = data.path { return path }
            switch backend {
            case .given(let backend): return DataPath(backend: backend.kind.rawValue)
            case .simulated: return .onSite
            case .emulatedGlobus: return .globusCloud
            }
        }
    }

    /// The states that a model can be declared to begin in, in the catalog's words.
    enum State: String, CaseIterable, Sendable {
        case running, starting, queued, stopped, failed, offline, maintenance
    }

    enum Backend: Equatable, Sendable {
        /// What runs already; as a node's configuration has it.
        case given(BackendConfiguration)
        /// A stand-in that `up` starts beside the nodes.
        case simulated(SimulatedServer)
        /// An endpoint of the Globus emulation that `up` starts beside the nodes.
        case emulatedGlobus(EmulatedEndpoint)
    }
}

/// A Globus Compute endpoint that is emulated, with the inference server that its functions reach.
struct EmulatedEndpoint: Equatable, Sendable {
    enum Server: Equatable, Sendable {
        /// One that runs already: its base URL.
        case url(String)
        case simulated(SimulatedServer)
    }

    var server: Server
    /// Tasks it runs at once.
    var workers = 8
    /// The agent's version, which decides what it understands.
    var agent = "4.19.0"
    /// A function of FIRST's kind that runs instead of ours: a Python file, and its name there.
    var function: (file: String, name: String)? { functionFile.map { ($0, functionName ?? "vllm_inference_function") } }
    var functionFile: String?
    var functionName: String?
    /// What of the backend is as in a node's configuration.
    var backend: GlobusComputeBackend

    static let workersAllowed = 1...256
}

/// How a simulated inference server behaves.
struct SimulatedServer: Equatable, Sendable {
    var timeToFirstTokenSeconds = 0.2
    /// Of one request.
    var tokensPerSecond = 50.0
    /// Requests it runs at once; more wait.
    var slots = 8
    /// From start to the first answer.
    var startupSeconds = 0.0
    /// The share of requests that fail, 0 to 1.
    var failureRate = 0.0
    var contextTokens = 8192

    static let timeToFirstTokenSecondsAllowed = 0.0...3600.0
    static let tokensPerSecondAllowed = 0.1...1_000_000.0
    static let slotsAllowed = 1...100_000
    static let startupSecondsAllowed = 0.0...86400.0
    static let failureRateAllowed = 0.0...1.0
}
