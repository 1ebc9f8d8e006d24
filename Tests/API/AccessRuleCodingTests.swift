import FoundationEssentials
import Gossip
import Testing

private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(text.utf8))
}

@Test func aRuleComesBackAsItWas() throws {
    let rule = AccessRule(domains: ["anl.gov"], groups: ["g"], users: ["ci"], authenticatedWithinSeconds: 60)
    let text = try JSONEncoder().encode(rule)
    #expect(try JSONDecoder().decode(AccessRule.self, from: text) == rule)
    #expect(String(decoding: try JSONEncoder().encode(AccessRule()), as: UTF8.self) == "{}")
}

@Test func aRuleOfALaterVersionAdmitsNobody() throws {
    let rule = try decode(AccessRule.self, #"{"domains":["anl.gov"],"moonPhase":"full"}"#)
    let user = UserIdentity(subject: "s", username: "u", domain: "anl.gov")
    #expect(!rule.isUnderstood)
    #expect(rule.refusal(of: user, rule: "site x", nowSeconds: 1)?.part == .unknown)
    // Nor is it one that says nothing.
    #expect(!(try decode(AccessRule.self, #"{"moonPhase":"full"}"#)).isEmpty)
}

@Test(arguments: [
    #"{"users":["\#(String(repeating: "x", count: 257))"]}"#,
    #"{"groups":[\#(Array(repeating: #""g""#, count: 65).joined(separator: ","))]}"#,
    #"{"groups":"g"}"#, #"{"authenticatedWithinSeconds":-1}"#,
])
func aRuleBeyondTheLimitsIsRefused(_ text: String) {
    #expect(throws: (any Error).self) { _ = try decode(AccessRule.self, text) }
}

@Test func recordsOfBeforeThereWereRulesStillRead() throws {
    let variant = Variant(id: "m", state: .running, backend: "openai")
    let text = String(decoding: try JSONEncoder().encode(variant), as: UTF8.self)
    #expect(!text.contains("access"))
    #expect(try decode(Variant.self, text) == variant)
    var guarded = variant
    guarded.access = [NamedRule(name: "site x", rule: AccessRule(groups: ["g"]))]
    #expect(try JSONDecoder().decode(Variant.self, from: try JSONEncoder().encode(guarded)) == guarded)
    guarded.access = Array(repeating: guarded.access[0], count: 5)
    #expect(throws: (any Error).self) {
        _ = try JSONDecoder().decode(Variant.self, from: try JSONEncoder().encode(guarded))
    }
}
