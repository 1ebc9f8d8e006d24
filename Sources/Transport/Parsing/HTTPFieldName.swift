/// The field names that this program acts on; all others are `other` and pass through.
public enum HTTPFieldName: UInt8, Sendable {
    case other, host, connection, contentLength, transferEncoding, expect, authorization, contentType, accept, userAgent
    case date, server, keepAlive, proxyConnection, te, trailer, upgrade, xRequestID, traceparent, idempotencyKey
    case meshDeadline, meshResume, meshRequire, meshDataClass, meshSite, openAIProject, xForwardedFor, retryAfter, location
    case xAPIKey, cookie, setCookie, xMeshEntry, xMeshSite, xMeshVariant, xMeshRoute, xClientRequestID
    /// Any name that begins with `Meshnode-`: a field between nodes.
    case meshnode

    /// Whether the field belongs to one connection and is never passed on (RFC 9110 §7.6.1).
    public var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .upgrade, .transferEncoding: true
        default: false
        }
    }
}
