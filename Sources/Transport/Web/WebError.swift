/// Why a call brought no answer. Never holds a secret.
public struct WebError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for code that decides by it.
    public enum Code: Sendable {
        /// The URL is none, or not of http or https; or a field cannot be sent.
        case badURL
        /// No connection: name, network, proxy.
        case unreachable
        /// No TLS with the server: its certificate, or none in common.
        case tls
        /// `WebRequest.timeoutSeconds`, or those to connect, have passed.
        case timedOut
        /// The answer is longer than was allowed.
        case tooLarge
        /// The connection broke, or what came is no HTTP.
        case broken
        /// The calling task was cancelled.
        case cancelled
        /// More calls at once than `WebClientSettings.callsAllowed`.
        case tooManyCalls
    }

    public let code: Code
    public let message: String
    /// False when it is certain that the server has seen nothing of the request, so that it may be sent again.
    public let mayHaveArrived: Bool

    public init(_ code: Code, _ message: String, mayHaveArrived: Bool) {
        self.code = code
        self.message = message
        self.mayHaveArrived = mayHaveArrived
    }

    public var description: String { message }
}
