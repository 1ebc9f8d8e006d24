/// Gives the token that calls to Globus Compute carry.
public protocol TokenSource: Sendable {
    func token() async throws(TokenUnavailable) -> String
    /// The service did not take it: the next `token` is another.
    func drop(_ token: String)
}

/// Why there is no token.
public struct TokenUnavailable: Error, Sendable, Equatable {
    /// Globus Auth said no; false when it could not be asked.
    public var isRefused: Bool
    /// Holds no secret.
    public var message: String
    public var retryAfterSeconds: Double?

    public init(isRefused: Bool, message: String, retryAfterSeconds: Double? = nil) {
        self.isRefused = isRefused
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
    }
}
