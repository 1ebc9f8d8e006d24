/// Where behind a FIRST gateway (argonne-lcf/FIRST, version 1) a site's models are: requests go to
/// `{gateway}/{cluster}/{framework}/v1/…`, states come from `{gateway}/{cluster}/jobs` and `{gateway}/list-endpoints`.
public struct FirstGateway: Sendable, Equatable {
    /// The path of the gateway's URL, such as `/resource_server`; without a slash at its end.
    public var path: String
    public var cluster: String
    /// A label of the gateway's catalog such as `vllm`; no protocol.
    public var framework: String
    /// How long a job may run there, in seconds: the gateway tells how long one has run, and never this.
    public var walltimeSeconds: Double?

    public init(path: String, cluster: String, framework: String, walltimeSeconds: Double? = nil) {
        self.path = path
        self.cluster = cluster
        self.framework = framework
        self.walltimeSeconds = walltimeSeconds
    }

    /// What stands before `/v1/…`.
    public var basePath: String { "\(path)/\(cluster)/\(framework)" }
}
