/// Where the services of Globus are. Without a `/` at the end.
public struct GlobusServices: Sendable, Equatable {
    /// Globus Auth: tokens, introspection, logins.
    public var auth = "https://auth.globus.org"
    /// Globus Groups: memberships.
    public var groups = "https://groups.api.globus.org"
    /// Globus Compute's web service.
    public var compute = "https://compute.api.globus.org"

    public init() {}

    /// All three at one address, as the emulation has them.
    public init(everythingAt address: String) {
        auth = address
        groups = address
        compute = address
    }
}

/// A confidential application registered with Globus Auth.
public struct GlobusClient: Sendable {
    /// UUID of the application.
    public let clientID: String
    /// Read anew when its file changed; never kept longer than a call.
    public let secret: @Sendable () throws(GlobusError) -> String

    public init(clientID: String, secret: @escaping @Sendable () throws(GlobusError) -> String) {
        self.clientID = clientID
        self.secret = secret
    }
}
