import Gossip
public import Routing
public import Transport

/// What a caller may do; each role may do what those before it may.
public enum Role: Int, Sendable, Comparable {
    case user, viewer, operate

    public init?(name: String) {
        switch name {
        case "user": self = .user
        case "viewer": self = .viewer
        case "operator": self = .operate
        default: return nil
        }
    }

    public var name: String {
        switch self {
        case .user: "user"
        case .viewer: "viewer"
        case .operate: "operator"
        }
    }

    public static func < (a: Role, b: Role) -> Bool { a.rawValue < b.rawValue }
}

/// Who makes a request.
public struct Caller: Sendable {
    /// For logs and accounting.
    public let name: String
    public let role: Role
    /// As access rules see it, here and at other sites.
    public let user: RequestUser
    /// The API key that the caller came with; nil: another token.
    public let key: APIKey?

    public init(user: RequestUser, role: Role, key: APIKey? = nil) {
        name = user.identity.username
        self.role = role
        self.user = user
        self.key = key
    }
}

/// What became of a token.
public enum Authentication: Sendable {
    case caller(Caller)
    /// Not known here: another authenticator may know it.
    case unknown
    /// Known, and no good.
    case refused(AuthenticationRefusal)
    /// Nobody can tell just now, in words for the user.
    case unavailable(retryAfterSeconds: Int, String)
}

/// Why a token is no good, in words for its holder.
public struct AuthenticationRefusal: Error, Sendable, Equatable {
    /// 401 where another token may help, 403 where none of this user's would.
    public var status: Int
    public var code: String
    public var message: String
    /// Of a token for another audience: the scope that is wanted here.
    public var scope: String?

    public init(status: Int = 401, code: String, _ message: String, scope: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.scope = scope
    }
}

/// Tells who brings a token.
public protocol Authenticator: Sendable {
    /// - Parameters:
    ///   - token: as sent, without `Bearer `; valid until the call first suspends.
    ///   - nowSeconds: since 1970.
    ///   - client: the network address of whoever brings the token, asked for only where it matters.
    func identify(
        _ token: UnsafeRawBufferPointer, nowSeconds: UInt64, client: () -> SocketAddress?
    ) async -> Authentication
}
