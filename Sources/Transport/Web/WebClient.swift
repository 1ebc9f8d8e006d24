/// One call to the outside world: Globus Auth, Globus Compute, Groups.
public struct WebRequest: Sendable {
    public var method: String
    /// `http` or `https`, absolute.
    public var url: String
    /// Values are not logged: they hold secrets.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]?
    /// From the call to the answer's last byte.
    public var timeoutSeconds: Double
    /// The longest answer that is read.
    public var answerBytes: Int

    public init(
        method: String = "GET", url: String, fields: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        timeoutSeconds: Double = 30, answerBytes: Int = 16 << 20
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.timeoutSeconds = timeoutSeconds
        self.answerBytes = answerBytes
    }
}

/// A whole answer.
public struct WebAnswer: Sendable {
    public var status: Int
    /// Names in lower case.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int, fields: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The first field of a name, which is given in lower case.
    public func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// Why a call brought no answer. Never holds a secret.
public struct WebError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// The URL is none, or not of http or https.
        case badURL
        /// No connection: name, network, proxy.
        case unreachable
        case tls
        case timedOut
        /// The answer is longer than was allowed.
        case tooLarge
        /// The connection broke, or what came is no HTTP.
        case broken
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

/// How calls are made.
public struct WebClientSettings: Sendable {
    /// PEM file of the roots that servers' certificates must lead to, instead of the system's.
    public var caFile: String?
    /// An HTTP CONNECT proxy, `http://host:port`; nil: none, whatever the environment says.
    public var proxy: String?
    /// Hosts reached without the proxy, as libcurl's `CURLOPT_NOPROXY` reads them.
    public var noProxy: String?
    public var connectSeconds: Double = 10
    public var userAgent: String = "meshnode"
    /// Connections to one host.
    public var connectionsPerHost: Int = 8
    /// Calls that may wait or be under way at once; one more fails.
    public var callsAllowed: Int = 1024

    public init() {}
}

/// Makes calls by libcurl, on one thread of its own, for tasks of any executor. HTTP/2 where the server has it.
public final class WebClient: Sendable {
    public let settings: WebClientSettings

    public init(_ settings: WebClientSettings = WebClientSettings()) { self.settings = settings }

    /// Makes one call. Redirects are not followed. If the calling task is cancelled the call is given up.
    public func send(_ request: WebRequest) async throws(WebError) -> WebAnswer {
        throw WebError(.unreachable, "not built yet", mayHaveArrived: false)
    }
}
