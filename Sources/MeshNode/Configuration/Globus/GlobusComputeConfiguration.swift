/// How this site reaches Globus Compute, for all of its models with the backend `globusCompute`.
struct GlobusComputeConfiguration: Equatable, Sendable {
    /// The confidential client whose tasks these are: its identity must be mapped at, or own, the endpoints.
    var clientID: String
    /// Where its secret is; exactly one of the two.
    var secretFile: String?
    var secretEnvironment: String?
    var services = GlobusServicesConfiguration()
    /// Requests of this client in any ten seconds: submissions, polls and status together (the service's limit is 20).
    var requestsPerTenSeconds = 20
    /// How long an endpoint's status is good for: each look is a request of the budget.
    var statusSeconds = 60.0
    /// Where functions reach this node's API port, where that is not `advertise.api`.
    var callbackURL: String?
    /// The roots that our function checks this node's certificate against; nil: its system's.
    var callbackCAFile: String?
    /// The proxy between the compute nodes and this node.
    var callbackProxy: String?
    /// Where the secret is that FIRST's functions prove themselves by (`INTERNAL_STREAMING_SECRET` beside them).
    var internalSecretFile: String?
    var internalSecretEnvironment: String?
    /// Endpoints of other sites to which this node may submit while their nodes are away, as those sites offer.
    var direct: [DirectPeer] = []

    /// A site, and the endpoints that are known to be its own: an offer of any other is not believed.
    struct DirectPeer: Equatable, Sendable {
        var site: String
        var endpoints: [String]
    }

    static let requestsAllowed = 1...1000
    static let statusSecondsAllowed = 1.0...3600.0
}

/// Where Globus' services are, where they are not the hosted ones, and how they are reached.
struct GlobusServicesConfiguration: Equatable, Sendable {
    var auth: String?
    var groups: String?
    var compute: String?
    /// Roots for these services' certificates instead of the system's.
    var caFile: String?
    /// `http://host:port` of a proxy for calls outwards, and the hosts that need none.
    var proxy: String?
    var noProxy: [String] = []
}

/// A model behind a Globus Compute endpoint.
struct GlobusComputeBackend: Equatable, Sendable {
    /// Which function runs there.
    enum Style: String, CaseIterable, Sendable {
        case meshnode, first
    }

    var endpoint: String
    var style = Style.meshnode
    /// UUID of the registered function; nil: ours, registered by this node when it has none yet.
    var function: String?
    /// The inference server as seen from where the function runs; `unix:/path` too. For `style: "meshnode"`.
    var serverURL: String?
    /// Environment variable there that holds the server's key.
    var serverKeyEnvironment: String?
    /// Path there of the roots for the server's certificate.
    var serverCAFile: String?
    /// For `style: "first"`: the server's port on its own machine.
    var apiPort: Int?
    var upstreamModel: String?
    var slots: Int?
    var deadlineSeconds = 3600.0
    /// JSON objects for templated endpoints and engines.
    var endpointConfig: String?
    var resourceSpecification: String?
    var userRuntime: String?
    var status = Status()
    var direct: Direct?

    /// How the model's state is found beside the endpoint's own.
    struct Status: Equatable, Sendable {
        /// UUID of a registered `status.py`; nil with `isOn`: ours, registered by this node.
        var function: String?
        /// The endpoint that runs it, where it is another, such as one of a login node.
        var endpoint: String?
        var isOn = false
        /// Its order, JSON: scheduler, servers, jobs.
        var order: String?
        var intervalSeconds = 60.0
    }

    /// Consent that other sites' nodes submit to the endpoint themselves while this site's nodes cannot be reached.
    struct Direct: Equatable, Sendable {
        /// Sites whose nodes may.
        var entrySites: [String]
        /// How old this site's rules may be there.
        var maxAgeSeconds = 300.0
    }

    static let deadlineSecondsAllowed = 1.0...86_400.0
    static let directSecondsAllowed = 1.0...86_400.0
}
