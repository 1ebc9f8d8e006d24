import Testing

@testable import Gossip

private let now: UInt64 = 2_000_000_000
private let alice = UserIdentity(
    subject: "9c8f", username: "alice@anl.gov", identityProvider: "idp-1", domain: "anl.gov", groups: ["g1", "g2"],
    policies: ["p1"], authenticatedAt: now - 3600)
private let robot = UserIdentity(staticToken: "ci")
private let service = UserIdentity(
    subject: "aa11", username: "aa11@clients.auth.globus.org", groups: ["g1"], isServiceAccount: true)

struct RuleCase: Sendable, CustomTestStringConvertible {
    var name: String
    var rule: AccessRule
    var user: UserIdentity
    var refused: AccessRefusal.Part?
    var testDescription: String { name }
}

private let cases: [RuleCase] = [
    RuleCase(name: "nothing said", rule: AccessRule(), user: robot, refused: nil),
    RuleCase(name: "domain", rule: AccessRule(domains: ["ornl.gov", "anl.gov"]), user: alice, refused: nil),
    RuleCase(name: "other domain", rule: AccessRule(domains: ["ornl.gov"]), user: alice, refused: .identityProvider),
    RuleCase(name: "domain is no suffix", rule: AccessRule(domains: ["gov"]), user: alice, refused: .identityProvider),
    RuleCase(name: "provider", rule: AccessRule(identityProviders: ["idp-1"]), user: alice, refused: nil),
    RuleCase(
        name: "other provider", rule: AccessRule(identityProviders: ["idp-2"]), user: alice, refused: .identityProvider),
    RuleCase(name: "any group", rule: AccessRule(groups: ["g9", "g2"]), user: alice, refused: nil),
    RuleCase(name: "other group", rule: AccessRule(groups: ["g9"]), user: alice, refused: .group),
    RuleCase(
        name: "all lists must be met", rule: AccessRule(domains: ["anl.gov"], groups: ["g9"]), user: alice, refused: .group),
    RuleCase(name: "policy", rule: AccessRule(policies: ["p1"]), user: alice, refused: nil),
    RuleCase(name: "each policy", rule: AccessRule(policies: ["p1", "p2"]), user: alice, refused: .policy),
    RuleCase(name: "login new enough", rule: AccessRule(authenticatedWithinSeconds: 3600), user: alice, refused: nil),
    RuleCase(
        name: "login too old", rule: AccessRule(authenticatedWithinSeconds: 3599), user: alice, refused: .authenticationAge),
    RuleCase(name: "named by name", rule: AccessRule(users: ["alice@anl.gov"]), user: alice, refused: nil),
    RuleCase(name: "named by subject", rule: AccessRule(users: ["9c8f"]), user: alice, refused: nil),
    RuleCase(name: "another named", rule: AccessRule(users: ["bob@anl.gov"]), user: alice, refused: .user),
    RuleCase(
        name: "in the group, another named", rule: AccessRule(groups: ["g1"], users: ["ci"]), user: alice, refused: nil),
    RuleCase(name: "named, in no group", rule: AccessRule(groups: ["g9"], users: ["9c8f"]), user: alice, refused: nil),
    RuleCase(
        name: "named people log in as others do", rule: AccessRule(policies: ["p2"], users: ["9c8f"]), user: alice,
        refused: .policy),
    RuleCase(name: "static token, group", rule: AccessRule(groups: ["g1"]), user: robot, refused: .group),
    RuleCase(name: "static token, domain", rule: AccessRule(domains: ["anl.gov"]), user: robot, refused: .identityProvider),
    RuleCase(name: "static token, policy", rule: AccessRule(policies: ["p1"]), user: robot, refused: .policy),
    RuleCase(
        name: "static token, login", rule: AccessRule(authenticatedWithinSeconds: 60), user: robot,
        refused: .authenticationAge),
    RuleCase(
        name: "static token named", rule: AccessRule(domains: ["anl.gov"], groups: ["g1"], policies: ["p1"], users: ["ci"]),
        user: robot, refused: nil),
    RuleCase(
        name: "static token named by subject", rule: AccessRule(groups: ["g1"], users: ["static:ci"]), user: robot,
        refused: nil),
    RuleCase(name: "service account in the group", rule: AccessRule(groups: ["g1"]), user: service, refused: nil),
    RuleCase(
        name: "service account named", rule: AccessRule(policies: ["p1"], users: ["aa11"]), user: service, refused: nil),
    RuleCase(name: "service account, policy", rule: AccessRule(policies: ["p1"]), user: service, refused: .policy),
]

@Test(arguments: cases) func whoIsAdmitted(_ row: RuleCase) {
    let refusal = row.rule.refusal(of: row.user, rule: "site argonne", nowSeconds: now)
    #expect(refusal == row.refused.map { AccessRefusal(rule: "site argonne", part: $0) })
}

@Test func aLoginFromTheFutureIsNotBelieved() {
    var user = alice
    user.authenticatedAt = now + 301
    let rule = AccessRule(authenticatedWithinSeconds: 60)
    #expect(rule.refusal(of: user, rule: "x", nowSeconds: now)?.part == .authenticationAge)
    user.authenticatedAt = now + 300
    #expect(rule.refusal(of: user, rule: "x", nowSeconds: now) == nil)
    user.authenticatedAt = .max
    #expect(rule.refusal(of: user, rule: "x", nowSeconds: now)?.part == .authenticationAge)
}

@Test func allRulesMustAdmitAndTheFirstIsNamed() {
    let rules = [
        NamedRule(name: "site argonne", rule: AccessRule(domains: ["anl.gov"])),
        NamedRule(name: "model m at argonne", rule: AccessRule(groups: ["g9"])),
    ]
    #expect(rules.refusal(of: alice, nowSeconds: now)?.rule == "model m at argonne")
    #expect(rules.refusal(of: robot, nowSeconds: now)?.rule == "site argonne")
    #expect(rules.refusal(of: nil, nowSeconds: now) == AccessRefusal(rule: "site argonne", part: .unknown))
    #expect([NamedRule(name: "open", rule: AccessRule())].refusal(of: nil, nowSeconds: now) == nil)
}

@Test func aRefusalNeverSaysWhoIsAdmitted() {
    let rule = AccessRule(domains: ["secret.org"], groups: ["hidden"], policies: ["quiet"], users: ["carol"])
    for user in [alice, robot, service] {
        let text = rule.refusal(of: user, rule: "site argonne", nowSeconds: now)?.description ?? ""
        #expect(text.contains("site argonne"))
        for secret in ["secret", "hidden", "quiet", "carol"] { #expect(!text.contains(secret)) }
    }
}
