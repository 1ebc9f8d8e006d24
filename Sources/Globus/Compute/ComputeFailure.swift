/// Why Globus Compute did not do what it was asked. `message` is fit for users: no token, no path, no host of a site.
public struct ComputeFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Too much is waiting here.
        case queueFull
        /// The task alone is larger than one submit may be.
        case tooLarge
        /// The order, or what we made of it, is not what the service understands.
        case badRequest
        /// The node's own credential is not taken.
        case unauthorized
        /// The endpoint or function is not open to this client.
        case forbidden
        /// The endpoint's site does not allow the function there.
        case functionNotPermitted
        case functionNotFound
        case endpointNotFound
        /// The endpoint's process for us could not start.
        case endpointStartFailed
        /// A quota of the service or site is used up.
        case quotaExceeded
        /// The service asks to come more seldom.
        case rateLimited
        /// Not reachable, or failing.
        case unavailable
        /// The service's answer makes no sense.
        case protocolViolation
        /// This program ends.
        case stopped
    }

    public var code: Code
    public var message: String
    /// For the operator's log: the service's own words.
    public var detail: String?
    public var retryAfterSeconds: Int?

    public init(_ code: Code, _ message: String, detail: String? = nil, retryAfterSeconds: Int? = nil) {
        self.code = code
        self.message = message
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// The HTTP status for a client whose request this failed.
    public var status: Int {
        switch code {
        case .tooLarge: 413
        case .queueFull, .quotaExceeded, .rateLimited, .unavailable, .endpointStartFailed, .stopped: 503
        case .badRequest, .unauthorized, .forbidden, .functionNotPermitted, .functionNotFound, .endpointNotFound,
            .protocolViolation:
            502
        }
    }

    /// Whether it tells of the endpoint, rather than of the request or of limits that pass.
    public var isPlaceFault: Bool {
        switch code {
        case .forbidden, .functionNotPermitted, .functionNotFound, .endpointNotFound, .endpointStartFailed, .unauthorized:
            true
        case .queueFull, .tooLarge, .badRequest, .quotaExceeded, .rateLimited, .unavailable, .protocolViolation, .stopped:
            false
        }
    }

    public var description: String { message }
}
