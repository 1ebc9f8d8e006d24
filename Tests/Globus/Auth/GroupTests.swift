import Synchronization
import Testing
import Transport
import Trust

@testable import Globus

func key(_ text: String) -> SHA256Digest { Array(text.utf8).withUnsafeBytes { Trust.Digest.sha256($0) } }

private let token = #"[{"access_token":"G1","resource_server":"groups.api.globus.org","expires_in":172800}]"#

@Suite struct GroupTests {
    private func identify(_ stub: AuthStub) async -> Introspection {
        var settings = IntrospectionSettings(client: gateway())
        settings.groups = true
        let introspector = TokenIntrospector(
            settings: settings, services: stub.services, web: WebClient(), clock: AuthClock().clock)
        return await introspector.identify(Array("a".utf8))
    }

    private func stub(_ dependent: AuthStub.Answer, _ groups: @escaping @Sendable (AuthStub.Request) -> AuthStub.Answer)
        async throws -> AuthStub
    {
        try await AuthStub { request in
            if request.target.contains("my_groups") { return groups(request) }
            return request.target.hasSuffix("introspect") ? AuthStub.Answer(body: introspection()) : dependent
        }
    }

    @Test func onlyActiveMembershipsCount() async throws {
        let groups = ["active", "invited", "pending", "rejected", "removed", "left", "declined"].map {
            #"{"id":"g-\#($0)","my_memberships":[{"status":"\#($0)"}]}"#
        }
        let body = "[\(groups.joined(separator: ",")),{\"id\":\"g-none\"},{\"my_memberships\":[{\"status\":\"active\"}]},7]"
        let stub = try await stub(AuthStub.Answer(body: token)) { _ in AuthStub.Answer(body: body) }
        defer { stub.stop() }
        guard case .active(let identity) = await identify(stub) else {
            Issue.record("not active")
            return
        }
        #expect(identity.groups == ["g-active"])
    }

    @Test(arguments: [
        AuthStub.Answer(status: 503, body: ""), AuthStub.Answer(status: 401, body: ""), AuthStub.Answer(body: "{}"),
        AuthStub.Answer(body: "x"),
    ])
    func withoutGroupsNothingIsKnown(_ answer: AuthStub.Answer) async throws {
        let stub = try await stub(AuthStub.Answer(body: token)) { _ in answer }
        defer { stub.stop() }
        guard case .unavailable = await identify(stub) else {
            Issue.record("not unavailable")
            return
        }
    }

    @Test func aDeadDependentTokenIsReplacedOnce() async throws {
        let calls = Mutex(0)
        let stub = try await stub(AuthStub.Answer(body: token)) { _ in
            calls.withLock {
                $0 += 1
                return $0 == 1 ? AuthStub.Answer(status: 401, body: "{}") : AuthStub.Answer(body: "[]")
            }
        }
        defer { stub.stop() }
        guard case .active = await identify(stub) else {
            Issue.record("not active")
            return
        }
        #expect(stub.requests.map(\.target).filter { $0 == "/v2/oauth2/token" }.count == 2)
    }

    @Test func missingConsentIsARefusal() async throws {
        let stub = try await stub(AuthStub.Answer(status: 400, body: #"{"error":"invalid_grant"}"#)) { _ in
            AuthStub.Answer(body: "[]")
        }
        defer { stub.stop() }
        guard case .refused(let refusal) = await identify(stub) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .consent)
    }
}
