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
    public let name: String
    public let role: Role

    public init(name: String, role: Role) {
        self.name = name
        self.role = role
    }
}

/// Tells who brings a token. Static tokens for now; Globus Auth, OAuth introspection and OIDC take the same place.
public protocol Authenticator: Sendable {
    /// - Parameter token: as sent, without `Bearer `; valid during the call.
    /// - Returns: nil for a token that is not known.
    func identify(_ token: UnsafeRawBufferPointer) async -> Caller?
}
