import Gossip
import Routing

/// How people log in at this node.
public struct LoginFacts: Sendable, Equatable {
    /// Of Globus Auth, `https://auth.globus.org`.
    public var authorizationServer: String
    /// The scope that a token for this node has.
    public var scope: String?
    /// The public client that `meshnode login` uses.
    public var nativeClientID: String?
    /// Domain that the login page offers first.
    public var preferredDomains: [String]

    public init(
        authorizationServer: String, scope: String? = nil, nativeClientID: String? = nil, preferredDomains: [String] = []
    ) {
        self.authorizationServer = authorizationServer
        self.scope = scope
        self.nativeClientID = nativeClientID
        self.preferredDomains = preferredDomains
    }
}

extension NodeAPI {
    /// `GET /.well-known/meshnode`: what a client needs to know before it has a token. The scopes of the other sites are as
    /// their nodes tell in their signed records.
    func wellKnown() -> String {
        let scopes = scopesBySite()
        return JSONWriter.object {
            $0.field("federation", facts.federation)
            $0.field("site", router.me.site)
            $0.field("node", router.me.node)
            $0.field("version", facts.software)
            $0.key("authentication")
            $0.object {
                $0.field("methods", facts.login == nil ? ["bearer"] : ["bearer", "globus"])
                $0.field("authorizationServer", facts.login?.authorizationServer)
                $0.field("nativeClientId", facts.login?.nativeClientID)
                $0.field("preferredDomains", facts.login?.preferredDomains ?? [])
                $0.key("scopes")
                $0.array { list in
                    for entry in scopes {
                        list.object {
                            $0.field("site", entry.site)
                            $0.field("scope", entry.scope)
                            $0.field("apis", entry.apis)
                        }
                    }
                }
            }
        }
    }

    /// Each scope with the nodes that take it, this node's own first.
    private func scopesBySite() -> [(site: String, scope: String, apis: [String])] {
        var found: [(site: String, scope: String, apis: [String])] = []
        func add(_ site: String, _ scope: String, _ api: String) {
            if let index = found.firstIndex(where: { $0.site == site && $0.scope == scope }) {
                if !found[index].apis.contains(api) { found[index].apis.append(api) }
            } else {
                found.append((site, scope, [api]))
            }
        }
        if let scope = facts.login?.scope { add(router.me.site, scope, facts.apiURL) }
        for node in router.view.mesh.nodes where node.id != router.me && node.state != .dead && node.state != .left {
            guard let identity = node.identity, let scope = identity.scope else { continue }
            add(node.id.site, scope, identity.api)
        }
        return found
    }

    /// `GET /.well-known/oauth-protected-resource` (RFC 9728 §3.2).
    func protectedResource() throws(APIError) -> String {
        guard let login = facts.login else {
            throw APIError(404, code: "no_authorization_server", "this node takes static tokens and API keys only")
        }
        return JSONWriter.object {
            $0.field("resource", facts.apiURL)
            $0.field("authorization_servers", [login.authorizationServer])
            if let scope = login.scope { $0.field("scopes_supported", [scope]) }
            $0.field("bearer_methods_supported", ["header"])
            $0.field("resource_name", "MeshNode \(facts.federation), site \(router.me.site)")
        }
    }
}
