/// Scopes, and the resource servers that they belong to.
enum Scopes {
    static let computeClient = "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9"
    static let computeServer = "funcx_service"
    static let groupsServer = "groups.api.globus.org"
    static let authServer = "auth.globus.org"
    static let groups = "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"
    private static let prefix = "https://auth.globus.org/scopes/"

    static func all(of client: String) -> String { "\(prefix)\(client)/action_all" }

    /// The resource server that a scope belongs to; nil for one that nobody has.
    static func server(_ scope: String, clients: [GlobusEmulationSettings.Client]) -> String? {
        if ["openid", "profile", "email"].contains(scope) { return authServer }
        if scope.hasPrefix("urn:globus:auth:scope:groups.api.globus.org:") { return groupsServer }
        if scope.hasPrefix("urn:globus:auth:scope:auth.globus.org:") { return authServer }
        guard scope.hasPrefix(prefix) else { return nil }
        let client = scope.dropFirst(prefix.count).prefix { $0 != "/" }
        if client == computeClient { return computeServer }
        return clients.contains { $0.id == client } ? String(client) : nil
    }

    /// Splits a parameter into scopes, without what depends on them in brackets, and puts those of one server together.
    ///
    /// - Returns: in the order of the servers' first scopes; nil if one is unknown.
    static func grouped(
        _ parameter: String, clients: [GlobusEmulationSettings.Client]
    ) -> [(server: String, scopes: [String])]? {
        var depth = 0
        var plain = ""
        for character in parameter {
            if character == "[" { depth += 1 }
            if depth == 0, character != "*" { plain.append(character) }
            if character == "]" { depth -= 1 }
        }
        var found: [(server: String, scopes: [String])] = []
        for scope in plain.split(separator: " ").map(String.init) {
            guard let server = server(scope, clients: clients) else { return nil }
            if let index = found.firstIndex(where: { $0.server == server }) {
                if !found[index].scopes.contains(scope) { found[index].scopes.append(scope) }
            } else {
                found.append((server, [scope]))
            }
        }
        return found
    }
}
