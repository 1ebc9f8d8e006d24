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
    /// `meshnode`: which payload the function takes.
    public var style: String
    /// Where the function finds its inference server, a JSON object.
    public var server: String
    /// What the server calls the model.
    public var upstreamModel: String
    /// `user_endpoint_config`, a JSON object.
    public var endpointConfig: String?
    /// `resource_specification` and `user_runtime`, JSON objects.
    public var resourceSpecification: String?
    public var userRuntime: String?
    /// From submission to a task's end.
    public var deadlineSeconds: Double
    /// Requests at once that the site expects from one entry node.
    public var slots: Int

    public init(
        entrySites: [String], maxAgeSeconds: Double, endpoint: String, function: String, style: String, server: String,
        upstreamModel: String, endpointConfig: String? = nil, resourceSpecification: String? = nil,
        userRuntime: String? = nil, deadlineSeconds: Double = 3600, slots: Int
    ) {
        self.resourceSpecification = resourceSpecification
        self.userRuntime = userRuntime
        self.deadlineSeconds = deadlineSeconds
        self.entrySites = entrySites
        self.maxAgeSeconds = maxAgeSeconds
        self.endpoint = endpoint
        self.function = function
        self.style = style
        self.server = server
        self.upstreamModel = upstreamModel
        self.endpointConfig = endpointConfig
        self.slots = slots
    }
}
