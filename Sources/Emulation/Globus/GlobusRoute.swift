/// A route of the emulated services; the raw value is its name in faults and in the log.
enum GlobusRoute: String, CaseIterable {
    case introspect, token, revoke, authorize, userinfo
    case groups
    case version, endpoint, status
    case allowedFunctions = "allowed_functions"
    case register, function
    case deleteFunction = "delete_function"
    case submit
    case batchStatus = "batch_status"
    case task, taskgroup

    /// `auth`, `groups` or `compute`.
    var service: String {
        switch self {
        case .introspect, .token, .revoke, .authorize, .userinfo: "auth"
        case .groups: "groups"
        default: "compute"
        }
    }

    /// Whether a path is known at all; then which route it is with this method.
    static func find(_ method: String, _ segments: [String]) -> (route: GlobusRoute?, isKnownPath: Bool) {
        var isKnown = false
        for (candidate, pattern, route) in table where matches(segments, pattern) {
            isKnown = true
            if candidate == method { return (route, true) }
        }
        return (nil, isKnown)
    }

    private static func matches(_ segments: [String], _ pattern: [String]) -> Bool {
        segments.count == pattern.count && zip(segments, pattern).allSatisfy { $0 == $1 || ($1 == "*" && !$0.isEmpty) }
    }

    private static let table: [(String, [String], GlobusRoute)] = [
        ("POST", ["v2", "oauth2", "token", "introspect"], .introspect),
        ("POST", ["v2", "oauth2", "token"], .token),
        ("POST", ["v2", "oauth2", "token", "revoke"], .revoke),
        ("GET", ["v2", "oauth2", "authorize"], .authorize),
        ("GET", ["v2", "oauth2", "userinfo"], .userinfo),
        ("POST", ["v2", "oauth2", "userinfo"], .userinfo),
        ("GET", ["v2", "groups", "my_groups"], .groups),
        ("GET", ["v2", "version"], .version),
        ("GET", ["v2", "endpoints", "*"], .endpoint),
        ("GET", ["v2", "endpoints", "*", "status"], .status),
        ("GET", ["v3", "endpoints", "*", "allowed_functions"], .allowedFunctions),
        ("POST", ["v3", "functions"], .register),
        ("GET", ["v2", "functions", "*"], .function),
        ("DELETE", ["v2", "functions", "*"], .deleteFunction),
        ("POST", ["v3", "endpoints", "*", "submit"], .submit),
        ("POST", ["v2", "batch_status"], .batchStatus),
        ("GET", ["v2", "tasks", "*"], .task),
        ("GET", ["v2", "taskgroup", "*"], .taskgroup),
    ]
}
