import Testing
import Transport

@testable import Globus

/// What goes over the wire, beside what the SDK sends.
@Suite struct GoldenAuthTests {
    private func match(_ request: AuthStub.Request?, _ golden: GoldenExchange) {
        #expect(request?.method == golden.method && request?.target == golden.path)
        #expect(request?.body == golden.body)
        #expect(request?.authorization == golden.authorization)
        #expect(request?.accept == golden.accept && request?.contentType == golden.contentType)
    }

    @Test(arguments: ["token=Ag-alice", "token=Ag-expired", "token=Ag-service"])
    func introspections(_ beginning: String) async throws {
        let golden = try GoldenExchange.of(beginning)
        let stub = try await AuthStub { _ in AuthStub.Answer(status: golden.status, body: golden.answer) }
        defer { stub.stop() }
        var settings = IntrospectionSettings(client: gateway())
        settings.policies = [examplePolicy]
        let introspector = TokenIntrospector(
            settings: settings, services: stub.services, web: WebClient(), clock: AuthClock().clock)
        let token = String(beginning.dropFirst("token=".count))
        let answer = await introspector.identify(Array(token.utf8))
        match(stub.requests.first, golden)
        switch (token, answer) {
        case ("Ag-alice", .active(let identity)):
            #expect(identity.username == "alice@anl.gov" && identity.domain == "anl.gov")
            #expect(identity.subject == "a11ce000-0000-4000-8000-000000000001")
            #expect(identity.identityProvider == "a0000000-0000-4000-8000-00000000a271")
            #expect(identity.authenticatedAt == 1_795_474_758 && !identity.isServiceAccount)
            #expect(identity.policies == [examplePolicy] && identity.expiresAt == 1_795_647_615)
        case ("Ag-service", .active(let identity)):
            #expect(identity.isServiceAccount && identity.subject == "33333333-3333-4333-8333-333333333333")
            #expect(identity.authenticatedAt == nil)
        case ("Ag-expired", .refused(let refusal)): #expect(refusal.reason == .inactive && refusal.status == 401)
        default: Issue.record("\(token): \(answer)")
        }
    }

    @Test func theNodesOwnToken() async throws {
        let golden = try GoldenExchange.of("grant_type=client_credentials&scope=https")
        let stub = try await AuthStub { _ in AuthStub.Answer(status: golden.status, body: golden.answer) }
        defer { stub.stop() }
        let client = GlobusClient(clientID: "22222222-2222-4222-8222-222222222222") { () throws(GlobusError) in "node-secret"
        }
        let token = ClientToken(
            client: client, scope: "\(ClientToken.computeScope) \(ClientToken.computeScope)",
            resourceServer: ClientToken.computeServer, services: stub.services, web: WebClient(),
            jitter: GlobusJitter(seed: 1))
        #expect(try await token.token() == "Agf8c07c3d4c43ee801bc8fdd655f6b9f007918b60552ab3dc")
        match(stub.requests.first, golden)
    }

    @Test func aWrongSecretIsToldByItsSetting() async throws {
        let golden = try GoldenExchange.of("grant_type=client_credentials&scope=openid")
        let stub = try await AuthStub { _ in AuthStub.Answer(status: golden.status, body: golden.answer) }
        defer { stub.stop() }
        let token = ClientToken(
            client: gateway("wrong"), scope: "openid", resourceServer: "auth.globus.org", services: stub.services,
            web: WebClient(), clock: AuthClock().clock, jitter: GlobusJitter(seed: 1))
        let error = await #expect(throws: GlobusError.self) { try await token.token() }
        match(stub.requests.first, golden)
        #expect(error?.code == .unauthorized && error?.message.contains("globus.secretFile") == true)
        #expect(error?.message.contains("wrong") == false)
        #expect(stub.count == 1)
    }

    /// Ours asks for the one scope it needs; the rest is the SDK's.
    @Test func groupsThroughADependentToken() async throws {
        let alice = try GoldenExchange.of("token=Ag-alice")
        let dependent = try GoldenExchange.of("grant_type=urn%3Aglobus")
        let all = GoldenExchange.all
        let mine = try #require(all.first { $0.path.hasSuffix("my_groups") })
        let stub = try await AuthStub { request in
            if request.target.contains("my_groups") { return AuthStub.Answer(body: mine.answer) }
            return AuthStub.Answer(body: request.target.hasSuffix("introspect") ? alice.answer : dependent.answer)
        }
        defer { stub.stop() }
        var settings = IntrospectionSettings(client: gateway())
        settings.groups = true
        let introspector = TokenIntrospector(
            settings: settings, services: stub.services, web: WebClient(), clock: AuthClock().clock)
        guard case .active(let identity) = await introspector.identify(Array("Ag-alice".utf8)) else {
            Issue.record("not active")
            return
        }
        #expect(identity.groups == ["90000000-0000-4000-8000-000000000001"])
        let requests = stub.requests
        #expect(requests.count == 3)
        let scope = "urn%3Aglobus%3Aauth%3Ascope%3Agroups.api.globus.org%3Aview_my_groups_and_memberships"
        #expect(requests[1].body == dependent.body + "&scope=" + scope)
        #expect(requests[1].authorization == dependent.authorization)
        #expect(requests[2].target == mine.path + "?statuses=active")
        #expect(requests[2].authorization == mine.authorization && requests[2].accept == mine.accept)
    }
}
