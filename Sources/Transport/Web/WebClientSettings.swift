/// How calls are made.
public struct WebClientSettings: Sendable {
    /// PEM file of the roots that servers' certificates must lead to, instead of the system's.
    public var caFile: String?
    /// An HTTP CONNECT proxy, `http://host:port`; nil: none, whatever the environment says.
    public var proxy: String?
    /// Hosts reached without the proxy, as libcurl's `CURLOPT_NOPROXY` reads them.
    public var noProxy: String?
    /// The proxy of the whole program, for hosts that it covers; used where `proxy` is nil.
    public var nodeProxy: HTTPProxy?
    public var connectSeconds: Double = 10
    public var userAgent: String = "meshnode"
    /// Connections to one host.
    public var connectionsPerHost: Int = 8
    /// Calls that may wait or be under way at once; one more fails.
    public var callsAllowed: Int = 1024

    public init() {}
}

/// Limits of every call that nobody needs to set.
enum WebLimits {
    /// Seconds that a call may take, whatever its request says.
    static let timeoutSeconds = 86_400.0
    static func seconds(_ wanted: Double) -> Double { wanted > 0 ? min(wanted, timeoutSeconds) : 0 }
    /// Fields of an answer's head.
    static let answerFields = 256
    /// Bytes of an answer's head, names and values.
    static let answerHeadBytes = 64 << 10
    /// Connections to all hosts together.
    static let connections = 256
    /// Connections kept open for the next call.
    static let idleConnections = 64
    /// Age in seconds since its last use at which an idle connection is not trusted any more.
    static let idleSeconds = 60
    /// The same for one that goes through a proxy: those cut what is silent.
    static let idleSecondsByProxy = 45
    /// Characters of libcurl's own words in an error.
    static let reasonCharacters = 200
}
