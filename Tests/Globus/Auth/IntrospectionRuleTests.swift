import Testing

@testable import Globus

/// Whom a token speaks for, by the members of the answer alone.
@Suite struct IntrospectionRuleTests {
    private func judge(
        _ changes: [String: String?], wall: UInt64 = AuthClock.start,
        _ edit: (inout IntrospectionSettings) -> Void = { _ in }
    ) throws -> Result<GlobusIdentity, GlobusRefusal> {
        var settings = IntrospectionSettings(client: gateway())
        edit(&settings)
        let value = try #require(LooseJSON.parse(Array(introspection(changes).utf8)))
        return try IntrospectionReply(value).identity(settings, nowSeconds: wall)
    }

    @Test(
        arguments: [
            (["active": "false"], GlobusRefusal.Reason.inactive),
            (["scope": #""openid email""#], .scope),
            (["scope": nil], .scope),
            (["aud": #"["another"]"#], .audience),
            (["aud": #""another""#], .audience),
            (["exp": "\(AuthClock.start - 301)"], .expired),
            (["exp": nil], .expired),
            (["username": nil, "session_info": nil], .identity),
            (["username": #""<script>""#, "session_info": nil], .identity),
            (["username": #""a b""#, "session_info": "{}"], .identity),
        ] as [([String: String?], GlobusRefusal.Reason)])
    func refusals(_ changes: [String: String?], _ reason: GlobusRefusal.Reason) throws {
        let outcome = try judge(changes)
        guard case .failure(let refusal) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(refusal.reason == reason)
        if reason == .scope { #expect(refusal.message.contains("scopes/\(gatewayID)/action_all")) }
    }

    @Test(
        arguments: [
            ["exp": "\(AuthClock.start - 299)"], ["exp": #""\#(AuthClock.start + 5)""#], ["exp": "\(AuthClock.start + 5).5"],
            ["aud": nil], ["aud": #""\#(gatewayID)""#], ["name": "null"], ["email": "7"], ["identity_set_detail": "null"],
            ["session_info": #"{"authentications":[]}"#], ["session_info": #""x""#],
        ] as [[String: String?]])
    func whatIsMissingOrOddIsBorne(_ changes: [String: String?]) throws {
        #expect(try judge(changes).get().username == "alice@anl.gov")
    }

    @Test(arguments: ["18446744073709551615", #""18446744073709551615""#, "1e300", "9223372036854775807"])
    func noNumberIsTooLarge(_ number: String) throws {
        let session = #"{"authentications":{"a1":{"idp":"p1","auth_time":\#(number)}}}"#
        let identity = try judge(["exp": number, "session_info": session]).get()
        #expect(identity.expiresAt == 1_000_000_000_000 && identity.authenticatedAt == 1_000_000_000_000)
    }

    @Test func theSessionSaysWhichIdentity() throws {
        let both = #"{"authentications":{"a1":{"idp":"p1","auth_time":100},"a2":{"idp":"p2","auth_time":200}}}"#
        #expect(try judge(["session_info": both]).get().username == "alice@uni.edu")
        let preferred = try judge(["session_info": both]) { $0.preferredDomains = ["anl.gov"] }.get()
        #expect(preferred.username == "alice@anl.gov" && preferred.authenticatedAt == 100)
        // A linked identity without a login in the session does not count, whatever is preferred.
        let linked = try judge([:]) { $0.preferredDomains = ["uni.edu"] }.get()
        #expect(linked.username == "alice@anl.gov")
        #expect(try judge(["session_info": nil]).get().authenticatedAt == nil)
    }

    @Test(arguments: [
        (#"{"p":{"evaluation":true},"q":{"evaluation":true}}"#, true), (#"{"p":{"evaluation":true}}"#, false),
        (#"{"p":{"evaluation":true},"q":{"evaluation":false}}"#, false), (#"{"p":{"evaluation":true},"q":{}}"#, false),
        (#"{"p":{"evaluation":true},"q":{"evaluation":"true"}}"#, false),
        (#"{"p":{"evaluation":true},"r":{"evaluation":true}}"#, false), ("{}", false), ("null", false),
    ])
    func everyPolicySentMustHold(_ evaluations: String, _ isAccepted: Bool) throws {
        let outcome = try judge(["policy_evaluations": evaluations]) { $0.policies = ["p", "q"] }
        #expect((try? outcome.get().policies) == (isAccepted ? ["p", "q"] : nil))
        if case .failure(let refusal) = outcome { #expect(refusal.reason == .policy && refusal.status == 403) }
    }

    @Test func programsAreKnownByTheirName() throws {
        let changes = [
            "sub": #""c1""#, "username": #""c1@clients.auth.globus.org""#, "session_info": #"{"authentications":{}}"#,
        ]
        #expect(try judge(changes).get().isServiceAccount)
        #expect(
            try !judge(["sub": #""c2""#, "username": #""c1@clients.auth.globus.org""#, "session_info": nil]).get()
                .isServiceAccount)
        #expect(throws: GlobusRefusal.self) { try judge(changes) { $0.policies = ["p"] }.get() }
        let excused = try judge(changes) {
            $0.policies = ["p"]
            $0.policiesForServiceAccounts = false
        }.get()
        #expect(excused.isServiceAccount && excused.policies.isEmpty)
    }

    @Test func withoutActiveItIsNoIntrospection() throws {
        #expect(throws: GlobusError.self) { try judge(["active": nil]) }
        #expect(throws: GlobusError.self) { try judge(["active": #""true""#]) }
    }
}
