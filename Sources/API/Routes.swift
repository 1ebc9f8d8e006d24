import Glibc
import Transport

/// What a request is for.
enum Route: Int, Sendable, CaseIterable {
    case chat, completions, embeddings, models, model
    case topology, catalog, load, explain, receipts, receipt, drain, undrain
    case blocks, unblock, isolate, audit, auditWitnesses
    case federation, federationStatements, federationRevoke, federationRenew
    case metrics, health, ready, console, wellKnown, protectedResource, keys, key
    case login, loginCallback, loginKey
    case invites
    case functionAnswer, firstData, firstError, firstDone
    case policy, meshPolicy
}

/// One path and what it takes.
struct RouteEntry: Sendable {
    let path: StaticString
    let route: Route
    let method: HTTPMethod
    /// nil: open to all.
    let role: Role?
    /// The path goes on: what follows it names a thing.
    var isPrefix = false
    /// Another method that it takes.
    var also: HTTPMethod?
}

/// All paths of the API port, the busiest first.
enum RouteTable {
    static let entries: [RouteEntry] = [
        RouteEntry(path: "/v1/chat/completions", route: .chat, method: .post, role: .user),
        RouteEntry(path: "/v1/completions", route: .completions, method: .post, role: .user),
        RouteEntry(path: "/v1/embeddings", route: .embeddings, method: .post, role: .user),
        RouteEntry(path: "/resource_server/api/streaming/data/", route: .firstData, method: .post, role: nil),
        RouteEntry(
            path: "/resource_server/api/meshnode/answer/", route: .functionAnswer, method: .post, role: nil, isPrefix: true),
        RouteEntry(path: "/v1/models", route: .models, method: .get, role: .user),
        RouteEntry(path: "/v1/models/", route: .model, method: .get, role: .user, isPrefix: true),
        RouteEntry(path: "/v1/keys", route: .keys, method: .get, role: .user, also: .post),
        RouteEntry(path: "/v1/keys/", route: .key, method: .delete, role: .user, isPrefix: true),
        RouteEntry(path: "/v1/policy", route: .policy, method: .get, role: .user),
        RouteEntry(path: "/mesh/policy", route: .meshPolicy, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/topology", route: .topology, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/catalog", route: .catalog, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/load", route: .load, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/route", route: .explain, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/receipts", route: .receipts, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/receipts/", route: .receipt, method: .get, role: .viewer, isPrefix: true),
        RouteEntry(path: "/mesh/drain", route: .drain, method: .post, role: .operate),
        RouteEntry(path: "/mesh/undrain", route: .undrain, method: .post, role: .operate),
        RouteEntry(path: "/mesh/federation/invites", route: .invites, method: .post, role: .operate),
        RouteEntry(path: "/mesh/blocks", route: .blocks, method: .get, role: .operate, also: .post),
        RouteEntry(path: "/mesh/blocks/", route: .unblock, method: .delete, role: .operate, isPrefix: true),
        RouteEntry(path: "/mesh/isolate", route: .isolate, method: .post, role: .operate),
        RouteEntry(path: "/mesh/audit", route: .audit, method: .get, role: .operate),
        RouteEntry(path: "/mesh/audit/witnesses", route: .auditWitnesses, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/federation", route: .federation, method: .get, role: .viewer),
        RouteEntry(path: "/mesh/federation/statements", route: .federationStatements, method: .post, role: .operate),
        RouteEntry(path: "/mesh/federation/revoke", route: .federationRevoke, method: .post, role: .operate),
        RouteEntry(path: "/mesh/federation/renew", route: .federationRenew, method: .post, role: .operate),
        RouteEntry(path: "/metrics", route: .metrics, method: .get, role: .viewer),
        RouteEntry(path: "/resource_server/api/streaming/error/", route: .firstError, method: .post, role: nil),
        RouteEntry(path: "/resource_server/api/streaming/done/", route: .firstDone, method: .post, role: nil),
        RouteEntry(path: "/healthz", route: .health, method: .get, role: nil),
        RouteEntry(path: "/readyz", route: .ready, method: .get, role: nil),
        RouteEntry(path: "/mesh/console", route: .console, method: .get, role: nil),
        RouteEntry(path: "/.well-known/meshnode", route: .wellKnown, method: .get, role: nil),
        RouteEntry(path: "/login", route: .login, method: .get, role: nil),
        RouteEntry(path: "/login/callback", route: .loginCallback, method: .get, role: nil),
        RouteEntry(path: "/login/key", route: .loginKey, method: .post, role: nil),
        RouteEntry(path: "/.well-known/oauth-protected-resource", route: .protectedResource, method: .get, role: nil),
    ]

    static func find(_ path: UnsafeRawBufferPointer) -> RouteEntry? {
        for entry in entries where matches(entry, path) { return entry }
        return nil
    }

    private static func matches(_ entry: RouteEntry, _ path: UnsafeRawBufferPointer) -> Bool {
        let count = entry.path.utf8CodeUnitCount
        guard entry.isPrefix ? path.count > count : path.count == count, let bytes = path.baseAddress else { return false }
        return memcmp(bytes, entry.path.utf8Start, count) == 0
    }

    /// GET routes answer HEAD too.
    static func allows(_ entry: RouteEntry, _ method: HTTPMethod) -> Bool {
        method == entry.method || method == entry.also || method == .head && entry.method == .get
    }

    static func allow(_ entry: RouteEntry) -> String {
        switch (entry.method, entry.also) {
        case (.get, .post): "GET, HEAD, POST"
        case (.get, _): "GET, HEAD"
        case (.delete, _): "DELETE"
        default: "POST"
        }
    }
}
