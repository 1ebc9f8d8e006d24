import Gossip
import Routing

/// How people log in at this node.
public struct LoginFacts: Sendable, Equatable {
    /// Of Globus Auth, `https://auth.globus.org`.
    public var authorizationServer: String
    /// The scope that a token for this node has.
    public var scope: String?
    /// Other sites have the same client, and with it the same scope.
    public var isShared: Bool
    /// The public client that `meshnode login` uses.
    public var nativeClientID: String?

    public init(
        authorizationServer: String, scope: String? = nil, isShared: Bool = false, nativeClientID: String? = nil
    ) {
        self.authorizationServer = authorizationServer
        self.scope = scope
        self.isShared = isShared
        self.nativeClientID = nativeClientID
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

    private func scopesBySite() -> [SiteScope] {
        var claims: [SiteScope] = []
        if let scope = facts.login?.scope {
            claims.append(SiteScope(site: router.me.site, scope: scope, apis: [facts.apiURL]))
        }
        for node in router.view.mesh.nodes where node.id != router.me {
            guard let identity = node.identity, let scope = identity.scope else { continue }
            // While a site is away its scope is still not another's.
            let isAway = node.state == .dead || node.state == .left
            claims.append(SiteScope(site: node.id.site, scope: scope, apis: isAway ? [] : [identity.api]))
        }
        return SiteScope.credible(
            claims, site: router.me.site, scope: facts.login?.scope, isShared: facts.login?.isShared ?? false)
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

/// A scope with the nodes of one site that take tokens of it.
struct SiteScope: Equatable {
    let site: String
    let scope: String
    var apis: [String]

    /// Puts claims together. A node could claim another site's scope and be sent that site's tokens: a scope that several sites claim
    /// is left out, since nobody here can tell whose it is. The own scope is known; other sites have it too only where the
    /// configuration says that one client is shared.
    ///
    /// - Parameters:
    ///   - claims: each of one node, this node's own first; without an API of a node that is away.
    ///   - site: this node's.
    ///   - scope: this node's; nil: it has none.
    static func credible(_ claims: [SiteScope], site: String, scope: String?, isShared: Bool) -> [SiteScope] {
        var sites: [String: Set<String>] = [:]
        for claim in claims { sites[claim.scope, default: []].insert(claim.site) }
        var found: [SiteScope] = []
        for claim in claims {
            let isOwn = claim.scope == scope && (isShared || claim.site == site)
            guard !claim.apis.isEmpty, isOwn || sites[claim.scope]?.count == 1 else { continue }
            if let index = found.firstIndex(where: { $0.site == claim.site && $0.scope == claim.scope }) {
                for api in claim.apis where !found[index].apis.contains(api) { found[index].apis.append(api) }
            } else {
                found.append(claim)
            }
        }
        return found
    }
}
