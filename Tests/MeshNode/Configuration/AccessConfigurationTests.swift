import Gossip
import Testing

@testable import MeshNode

private let group = "1f1a2b3c-0000-4000-8000-00000000000A"
private let client = "6a2fc1e0-7d3f-4c0a-9c55-0e1d6f3c2b1a"

private func decode(_ fields: String) throws(ConfigurationErrors) -> NodeConfiguration {
    let text = """
        {
          federation: "demo", site: "argonne", node: "a1",
          listen: { api: "127.0.0.1:8101", mesh: "127.0.0.1:8201" },
          trust: { caFile: "ca.pem", certificateFile: "node.pem", keyFile: "node.key" }, stateDirectory: "./state",
          \(fields)
        }
        """
    return try Decoding.decode(
        Array(text.utf8), file: "node.json5", directory: "/etc/site", validatingFiles: false, NodeConfiguration.decode)
}

private let whole = """
    authentication: { globus: {
      clientId: "\(client.uppercased())", secretFile: "globus.secret", scope: "https://auth.globus.org/scopes/x/y",
      shared: true, nativeClientId: "\(client)", policies: ["\(client)"], groups: false, cacheSeconds: 60, staleSeconds: 0,
      services: {
        auth: "http://127.0.0.1:1", groups: "http://127.0.0.1:2", caFile: "ca.pem", proxy: "http://proxy:3128",
        noProxy: ["localhost"],
      },
      preferredDomains: ["ANL.gov"], redirectURL: "https://node.example.org/login/callback",
    } },
    access: {
      federation: { domains: ["ANL.gov"], users: ["ci"] }, site: { groups: ["\(group)"], authenticatedWithinSeconds: 3600 },
      roles: { operator: { users: ["alice@anl.gov"] }, viewer: { identityProviders: ["\(client)"] }, user: { policies: ["\(client)"] } },
    },
    keys: { maximumDays: 7, reauthenticationDays: 8, unseenDays: 9, recheckSeconds: 60, perUser: 3 },
    models: [{ id: "m", backend: { kind: "simulated", url: "http://h:1" }, access: { groups: ["\(group)"] } }],
    """

@Suite struct AccessConfigurationTests {
    @Test("every field is read, and comes back from its own rendering")
    func roundTrip() throws {
        let node = try decode(whole)
        #expect(node.authentication.globus?.clientID == client)
        #expect(node.authentication.globus?.isShared == true)
        #expect(node.authentication.globus?.secretFile == "/etc/site/globus.secret")
        #expect(
            node.authentication.globus?.reach
                == GlobusServicesConfiguration(
                    auth: "http://127.0.0.1:1", groups: "http://127.0.0.1:2", caFile: "/etc/site/ca.pem",
                    proxy: "http://proxy:3128", noProxy: ["localhost"]))
        #expect(node.access.federation == AccessRule(domains: ["anl.gov"], users: ["ci"]))
        #expect(node.access.site?.groups == [group.lowercased()])
        #expect(node.keys.perUser == 3 && node.keys.recheckSeconds == 60)
        let again = try Decoding.decode(
            Array(node.render().utf8), file: "node.json5", directory: "/", validatingFiles: false, NodeConfiguration.decode)
        #expect(again == node)
    }

    @Test("the rules of a model are the federation's, the site's and its own, by name")
    func rules() throws {
        let node = try decode(whole)
        let model = try #require(node.models.first)
        #expect(node.rules(of: model).map(\.name) == ["the federation demo", "site argonne", "model m at argonne"])
        #expect(node.entryRules.map(\.name) == ["the federation demo"])
        let open = try decode(#"models: [{ id: "m", backend: { kind: "simulated", url: "http://h:1" } }],"#)
        #expect(open.rules(of: try #require(open.models.first)).isEmpty && open.entryRules.isEmpty)
    }

    @Test(
        "each rule: a bad line, and what is said of it",
        arguments: [
            ("access: { site: {} },", "5: access.site: has nothing in it and would admit everyone"),
            ("access: { site: { group: ['x'] } },", "access.site.group: unknown key; did you mean `groups`?"),
            ("access: { site: { groups: ['admins'] } },", "access.site.groups[0]: found \"admins\"; allowed: a UUID"),
            (
                "access: { federation: { domains: ['a b'] } },",
                "access.federation.domains[0]: found \"a b\"; allowed: a domain"
            ),
            ("access: { roles: { admin: { users: ['x'] } } },", "access.roles.admin: unknown key"),
            ("access: { site: { authenticatedWithinSeconds: 1 } },", "an integer from 60 to 31536000"),
            ("authentication: { globus: {} },", "authentication.globus.clientId: is missing"),
            (
                "authentication: { globus: { clientId: '\(client)' } },",
                "secretFile: is missing; allowed: the client's secret"
            ),
            (
                "authentication: { globus: { clientId: '\(client)', secretFile: 'a', secretEnvironment: 'B' } },",
                "secretEnvironment: stands beside secretFile"
            ),
            (
                "authentication: { globus: { clientId: '\(client)', secretFile: 'a', cacheSeconds: 5 } },",
                "cacheSeconds: found 5; allowed: a number of seconds from 30 to 600"
            ),
            (
                "authentication: { globus: { clientId: '\(client)', secretFile: 'a', redirectURL: 'https://n/x' } },",
                "redirectURL: found \"https://n/x\"; allowed: this node's address with the path /login/callback"
            ),
            (
                "authentication: { globus: { clientId: '\(client)', secretFile: 'a', proxy: 'http://p:1' } },",
                "authentication.globus.proxy: unknown key"
            ),
            ("keys: { maximumDays: 366 },", "keys.maximumDays: found 366; allowed: an integer from 0 to 365"),
        ])
    func errors(_ fields: String, _ expected: String) throws {
        let errors = #expect(throws: ConfigurationErrors.self) { try decode(fields) }
        #expect(errors?.description.contains(expected) == true, "\(errors?.description ?? "")")
    }
}
