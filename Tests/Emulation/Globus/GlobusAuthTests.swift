import Testing
import Transport

@testable import Emulation

@Suite("Emulated Globus Auth and Groups")
struct GlobusAuthTests {
    typealias Harness = GlobusHarness

    @Test("a user's token, with all that can be included")
    func active() async throws {
        try await Harness.run { harness in
            let told = try await harness.introspect(
                "Ag-alice",
                [("include", "session_info,identity_set_detail"), ("authentication_policies", "\(Harness.policy),other")])
            let names = told.members?.map(\.name)
            #expect(
                names == [
                    "active", "token_type", "scope", "client_id", "sub", "username", "name", "email", "exp", "iat", "nbf",
                    "iss", "aud", "dependent_tokens_cache_id", "identity_set_detail", "session_info", "policy_evaluations",
                ])
            #expect(told["active"] == true && told["username"] == "alice@anl.gov")
            #expect(told["scope"] == .string("https://auth.globus.org/scopes/\(Harness.gateway)/action_all"))
            #expect(told["aud"]?.items?.first == .string(Harness.gateway))
            #expect(told["policy_evaluations"]?.members?.map(\.name) == [Harness.policy])
            #expect(told["policy_evaluations"]?[Harness.policy]?["evaluation"] == true)
            let identity = try #require(told["identity_set_detail"]?.items?.first)
            #expect(identity["identity_provider_display_name"] == "Argonne National Laboratory")
            let session = try #require(told["session_info"]?["authentications"]?["a11ce000-0000-4000-8000-000000000001"])
            #expect(session["idp"] == identity["identity_provider"])
            let authenticated = try #require(session["auth_time"]?.integer)
            let issued = try #require(told["iat"]?.integer)
            #expect(authenticated == issued - 60)
        }
    }

    @Test("what was not asked for is not told")
    func plain() async throws {
        try await Harness.run { harness in
            let told = try await harness.introspect("Ag-alice")
            #expect(told["active"] == true)
            #expect(told["session_info"] == nil && told["identity_set_detail"] == nil && told["policy_evaluations"] == nil)
            let bob = try await harness.introspect("Ag-bob", [("include", "identity_set_detail")])
            #expect(bob["identity_set_detail"]?.items?.first?["username"] == "bob@cs.uchicago.edu")
        }
    }

    @Test("tokens that are not active", arguments: ["Ag-expired", "Ag-nobody", ""])
    func inactive(_ token: String) async throws {
        try await Harness.run { harness in
            let answer = try await harness.form("/v2/oauth2/token/introspect", [("token", token)])
            #expect(answer.status == 200 && answer.text == "{\"active\": false}")
            #expect(answer.server == "meshnode-globus-emulation")
        }
    }

    @Test("another resource server sees nothing, a revoked token is gone")
    func foreignAndRevoked() async throws {
        try await Harness.run { harness in
            #expect(try await harness.introspect("Ag-alice", as: Harness.asNode) == ["active": false])
            let foreign = try await harness.form("/v2/oauth2/token/revoke", [("token", "Ag-alice")], as: Harness.asNode)
            #expect(foreign.status == 200)
            #expect(try await harness.introspect("Ag-alice")["active"] == true)
            _ = try await harness.form("/v2/oauth2/token/revoke", [("token", "Ag-alice")])
            #expect(try await harness.introspect("Ag-alice") == ["active": false])
            try await harness.fault(["revokeToken": "Ag-bob"])
            #expect(try await harness.introspect("Ag-bob") == ["active": false])
        }
    }

    @Test(
        "clients that are not let in",
        arguments: [
            Harness.basic(Harness.gateway, "wrong"), Harness.basic("nobody", "gateway-secret"),
            Harness.basic(Harness.native, ""), "Basic !!!", "Bearer Ag-alice", nil,
        ])
    func wrongSecret(_ authorization: String?) async throws {
        try await Harness.run { harness in
            for path in ["/v2/oauth2/token/introspect", "/v2/oauth2/token", "/v2/oauth2/token/revoke"] {
                let fields = [("grant_type", "client_credentials"), ("scope", "openid"), ("token", "Ag-alice")]
                let answer = try await harness.form(path, fields, as: authorization)
                #expect(answer.status == 401 && answer.text == "{\"error\": \"invalid_client\"}", "\(path)")
            }
        }
    }

    @Test("client credentials: one object, the other servers' tokens inside")
    func clientCredentials() async throws {
        try await Harness.run { harness in
            let compute = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
            let told = try await harness.form(
                "/v2/oauth2/token", [("grant_type", "client_credentials"), ("scope", "\(compute) openid \(compute)")],
                as: Harness.asNode
            ).json
            #expect(told["resource_server"] == "funcx_service" && told["scope"] == .string(compute))
            #expect(told["expires_in"] == 172800 && told["token_type"] == "Bearer")
            #expect(told["other_tokens"]?.items?.map { $0["resource_server"] } == ["auth.globus.org"])
            let bad = try await harness.form(
                "/v2/oauth2/token", [("grant_type", "client_credentials"), ("scope", "urn:nobody")], as: Harness.asNode)
            #expect(bad.status == 400)
            #expect(try bad.json["error"] == "invalid_scope")
        }
    }

    @Test("a service account's token for another service")
    func serviceAccount() async throws {
        try await Harness.run { harness in
            let scope = Scopes.all(of: Harness.gateway)
            let token = try await harness.form(
                "/v2/oauth2/token", [("grant_type", "client_credentials"), ("scope", scope)], as: Harness.asNode
            ).json
            let text = try #require(token["access_token"]?.text)
            let told = try await harness.introspect(text, [("include", "session_info")])
            #expect(told["username"] == .string("\(Harness.node)@clients.auth.globus.org"))
            #expect(told["session_info"]?["authentications"] == [:] && told["client_id"] == .string(Harness.node))
        }
    }

    @Test("dependent tokens are an array; Groups tells memberships by status")
    func groups() async throws {
        try await Harness.run { harness in
            let grant = ("grant_type", "urn:globus:auth:grant_type:dependent_token")
            let told = try await harness.form("/v2/oauth2/token", [grant, ("token", "Ag-alice")]).json
            let token = try #require(told.items?.first?["access_token"]?.text)
            #expect(told.items?.first?["resource_server"] == "groups.api.globus.org")
            let all = try await harness.get("/v2/groups/my_groups", token).json
            #expect(all.items?.count == 2)
            let active = try await harness.get("/v2/groups/my_groups?statuses=active", token).json
            #expect(active.items?.map { $0["id"] } == [.string(Harness.group)])
            #expect(active.items?.first?["my_memberships"]?.items?.first?["status"] == "active")
            #expect(try await harness.get("/v2/groups/my_groups", "Ag-alice").status == 401)
            for refused in ["Ag-expired", "Ag-nobody"] {
                let answer = try await harness.form("/v2/oauth2/token", [grant, ("token", refused)])
                #expect(answer.status == 400)
                #expect(try answer.json["error"] == "invalid_grant")
            }
        }
    }
}
