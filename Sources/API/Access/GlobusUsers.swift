public import Gossip
import Routing

/// What an identity provider said of a token.
public enum UserIntrospection: Sendable {
    case active(UserIdentity)
    case refused(AuthenticationRefusal)
    /// In words for the user.
    case unavailable(retryAfterSeconds: Int, String)
}

/// Which role a user who logged in has: the highest whose rule admits.
public struct RoleRules: Sendable, Equatable {
    /// Without a rule nobody is one.
    public var operate: AccessRule?
    public var viewer: AccessRule?
    /// Without a rule everyone who could log in is one.
    public var user: AccessRule?

    public init(operate: AccessRule? = nil, viewer: AccessRule? = nil, user: AccessRule? = nil) {
        self.operate = operate
        self.viewer = viewer
        self.user = user
    }

    public func role(of identity: UserIdentity, nowSeconds: UInt64) throws(AccessRefusal) -> Role {
        func admits(_ rule: AccessRule) -> Bool {
            !rule.isEmpty && rule.refusal(of: identity, rule: "", nowSeconds: nowSeconds) == nil
        }
        if let operate, admits(operate) { return .operate }
        if let viewer, admits(viewer) { return .viewer }
        if let refusal = user?.refusal(of: identity, rule: "the role user", nowSeconds: nowSeconds) { throw refusal }
        return .user
    }
}

/// Users known by their Globus tokens.
public final class GlobusUsers: Sendable {
    private let introspect: @Sendable ([UInt8], _ client: String?) async -> UserIntrospection
    private let roles: RoleRules

    /// - Parameter introspect: tells whose token it is; caches, puts calls for one token together, and bounds those of one client.
    public init(
        roles: RoleRules, introspect: @escaping @Sendable ([UInt8], _ client: String?) async -> UserIntrospection
    ) {
        self.roles = roles
        self.introspect = introspect
    }

    func identify(
        _ token: [UInt8], from client: String?, nowSeconds: UInt64, keys: KeyStore?
    ) async -> Authentication {
        switch await introspect(token, client) {
        case .active(let identity):
            keys?.saw(identity, nowSeconds: nowSeconds)
            do throws(AccessRefusal) {
                let role = try roles.role(of: identity, nowSeconds: nowSeconds)
                return .caller(Caller(user: RequestUser(identity), role: role))
            } catch {
                return .refused(AuthenticationRefusal(status: 403, code: "access_denied", error.description))
            }
        case .refused(let refusal): return .refused(refusal)
        case .unavailable(let seconds, let message): return .unavailable(retryAfterSeconds: seconds, message)
        }
    }
}
