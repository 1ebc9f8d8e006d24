import Testing
import Transport

@testable import API

@Suite struct JSONWriterTests {
    @Test func nestsAndEscapes() {
        let text = JSONWriter.object {
            $0.field("a\"", "x\\\n\u{1}")
            $0.field("none", nil as Int?)
            $0.key("list")
            $0.array { list in
                list.value(1)
                list.object { $0.field("b", true) }
                list.value(2.5)
            }
            $0.field("many", ["x", "y"])
        }
        #expect(text == #"{"a\"":"x\\\n\u0001","none":null,"list":[1,{"b":true},2.5],"many":["x","y"]}"#)
    }

    @Test(arguments: [
        (0.0, "0"), (1e-9, "0"), (3, "3"), (-2.25, "-2.25"), (.infinity, "null"), (.nan, "null"), (1e300, "null"),
    ])
    func numbers(_ value: Double, _ expected: String) {
        var writer = JSONWriter()
        writer.value(value)
        #expect(writer.text == expected)
    }
}

@Suite struct NearestTests {
    @Test(arguments: [
        ("chat-smal", "chat-small"), ("CHAT-SMALL", "chat-small"), ("chatsmall", "chat-small"), ("zzzzzzzz", nil), ("", nil),
    ])
    func near(_ name: String, _ expected: String?) {
        #expect(nearest(name, among: ["chat-large-model", "chat-small"]) == expected)
    }
}

@Suite struct RouteTableTests {
    private func find(_ path: String) -> RouteEntry? { Array(path.utf8).withUnsafeBytes { RouteTable.find($0) } }

    @Test(arguments: [
        ("/v1/chat/completions", Route.chat), ("/v1/models", .models), ("/v1/models/org/model", .model),
        ("/mesh/console", .console),
    ])
    func known(_ path: String, _ route: Route) { #expect(find(path)?.route == route) }

    @Test(arguments: ["/", "", "/v1", "/v1/models/", "/v1/chat/completions/", "/v1/chat/completionsx", "/V1/models", "*"])
    func unknown(_ path: String) { #expect(find(path) == nil) }

    @Test func everyRouteNeedsARoleButThoseOpenToAll() {
        let open = RouteTable.entries.filter { $0.role == nil }.map { $0.path.description }
        #expect(
            Set(open) == [
                "/healthz", "/readyz", "/mesh/console", "/.well-known/meshnode", "/.well-known/oauth-protected-resource",
                "/login", "/login/callback", "/login/key",
                // Functions prove themselves by their task's token.
                "/resource_server/api/meshnode/answer/", "/resource_server/api/streaming/data/",
                "/resource_server/api/streaming/error/", "/resource_server/api/streaming/done/",
            ])
        for entry in RouteTable.entries where entry.path.description.hasPrefix("/mesh/") && entry.method == .post {
            #expect(entry.role == .operate)
        }
    }

    @Test func getAnswersHeadAndPostDoesNot() {
        for entry in RouteTable.entries {
            #expect(RouteTable.allows(entry, entry.method))
            #expect(RouteTable.allows(entry, .head) == (entry.method == .get))
            #expect(RouteTable.allows(entry, .delete) == ["/v1/keys/", "/mesh/blocks/"].contains(entry.path.description))
            let isMadeByPost = ["/v1/keys", "/mesh/blocks"].contains(entry.path.description)
            #expect(RouteTable.allows(entry, .post) == (entry.method == .post || isMadeByPost))
        }
    }
}

@Suite struct RoleTests {
    @Test func eachMayDoWhatThoseBeforeItMay() {
        #expect(Role.user < .viewer && Role.viewer < .operate)
        #expect(Role(name: "operator") == .operate)
        #expect(Role(name: "admin") == nil)
    }
}

@Suite struct SiteScopeTests {
    private let a = SiteScope(site: "a", scope: "A", apis: ["https://a1"])
    private let b = SiteScope(site: "b", scope: "B", apis: ["https://b1"])
    private let b2 = SiteScope(site: "b", scope: "B", apis: ["https://b2"])

    @Test func nodesOfOneSiteStandTogether() {
        let told = SiteScope.credible([a, b, b2, b], site: "a", scope: "A", isShared: false)
        #expect(told == [a, SiteScope(site: "b", scope: "B", apis: ["https://b1", "https://b2"])])
    }

    @Test func aScopeThatTwoSitesClaimIsNobodys() {
        let thief = SiteScope(site: "t", scope: "B", apis: ["https://t1"])
        #expect(SiteScope.credible([a, b, thief], site: "a", scope: "A", isShared: false) == [a])
        #expect(SiteScope.credible([a, thief, b], site: "a", scope: "A", isShared: true) == [a])
        #expect(SiteScope.credible([b, thief], site: "a", scope: nil, isShared: true) == [])
        // Not even while the site that it belongs to is away.
        let away = SiteScope(site: "b", scope: "B", apis: [])
        #expect(SiteScope.credible([a, away, thief], site: "a", scope: "A", isShared: false) == [a])
        #expect(SiteScope.credible([a, away, b2], site: "a", scope: "A", isShared: false) == [a, b2])
    }

    @Test func theOwnScopeIsTheOwnSitesUnlessItIsShared() {
        let other = SiteScope(site: "b", scope: "A", apis: ["https://b1"])
        let sibling = SiteScope(site: "a", scope: "A", apis: ["https://a2"])
        let own = SiteScope(site: "a", scope: "A", apis: ["https://a1", "https://a2"])
        #expect(SiteScope.credible([a, other, sibling], site: "a", scope: "A", isShared: false) == [own])
        #expect(SiteScope.credible([a, other, sibling], site: "a", scope: "A", isShared: true) == [own, other])
    }
}
