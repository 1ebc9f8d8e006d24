/// A site's consent, in its signed catalog, that nodes of other sites submit a model's requests to its Globus Compute endpoint
/// themselves while none of its own nodes can be reached.
public struct DirectOffer: Codable, Sendable, Hashable {
    /// Sites whose nodes may. The endpoint's owner has mapped their clients' identities.
    public var entrySites: [String]
    /// How old the rules in this catalog may be when they are applied there, since the site's node was last heard of.
    public var maxAgeSeconds: Double
    /// UUIDs of endpoint and function.
    public var endpoint: String
    public var function: String
    /// `meshnode` or `first`: which payload the function takes.
    public var style: String
    /// For our function: where it finds its inference server, a JSON object.
    public var server: String
    /// For FIRST's function: the server's port.
    public var apiPort: Int
    /// What the server calls the model.
    public var upstreamModel: String
    /// `user_endpoint_config`, a JSON object.
    public var endpointConfig: String?
    /// Requests at once that the site expects from one entry node.
    public var slots: Int

    public init(
        entrySites: [String], maxAgeSeconds: Double, endpoint: String, function: String, style: String, server: String,
        apiPort: Int, upstreamModel: String, endpointConfig: String?, slots: Int
    ) {
        self.entrySites = entrySites
        self.maxAgeSeconds = maxAgeSeconds
        self.endpoint = endpoint
        self.function = function
        self.style = style
        self.server = server
        self.apiPort = apiPort
        self.upstreamModel = upstreamModel
        self.endpointConfig = endpointConfig
        self.slots = slots
    }
}
