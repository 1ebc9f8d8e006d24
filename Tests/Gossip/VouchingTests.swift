import Gossip
import Testing

private let alice = UserIdentity(
    subject: "9c8f", username: "alice@anl.gov", identityProvider: "idp-anl", domain: "anl.gov", groups: ["g1"],
    policies: ["p1"],
    authenticatedAt: 100)
private let program = UserIdentity(
    subject: "c1", username: "c1@clients.auth.globus.org", domain: "clients.auth.globus.org", isServiceAccount: true)

private func vouching(
    _ admitted: [String]?, narrowed: [String]? = nil, own: Bool = false
) -> Vouching {
    Vouching(site: "alpha", isOwn: own, admitted: admitted, narrowed: narrowed)
}

struct VouchedClaim: Sendable, CustomTestStringConvertible {
    var name: String
    var user: UserIdentity
    var by: Vouching
    var expected: VouchingRefusal.Reason?
    var testDescription: String { name }

    init(_ name: String, _ user: UserIdentity, _ by: Vouching, _ expected: VouchingRefusal.Reason?) {
        self.name = name
        self.user = user
        self.by = by
        self.expected = expected
    }
}

private func edited(_ user: UserIdentity = alice, _ edit: (inout UserIdentity) -> Void) -> UserIdentity {
    var user = user
    edit(&user)
    return user
}

private let claims: [VouchedClaim] = [
    VouchedClaim("its own domain", alice, vouching(["anl.gov"]), nil),
    VouchedClaim("any domain", alice, vouching(["*"]), nil),
    VouchedClaim("a foreign domain", alice, vouching(["uchicago.edu"]), .domain("anl.gov")),
    VouchedClaim("no domain at all", alice, vouching([]), .domain("anl.gov")),
    VouchedClaim("no admission", alice, vouching(nil), .notAdmitted),
    VouchedClaim("no admission, static", UserIdentity(staticToken: "ci"), vouching(nil), .notAdmitted),
    VouchedClaim("narrowed away", alice, vouching(["*"], narrowed: ["uchicago.edu"]), .narrowed("anl.gov")),
    VouchedClaim("narrowed to nobody", alice, vouching(["anl.gov"], narrowed: []), .narrowed("anl.gov")),
    VouchedClaim("not narrowed", alice, vouching(["anl.gov"], narrowed: ["*"]), nil),
    VouchedClaim("narrowing gives nothing", alice, vouching(["uchicago.edu"], narrowed: ["anl.gov"]), .domain("anl.gov")),
    VouchedClaim(
        "a subdomain",
        edited {
            $0.domain = "mcs.anl.gov"; $0.username = "a@mcs.anl.gov"
        }, vouching(["anl.gov"]), .domain("mcs.anl.gov")),
    VouchedClaim(
        "a longer domain",
        edited {
            $0.domain = "xanl.gov"; $0.username = "a@xanl.gov"
        }, vouching(["anl.gov"]), .domain("xanl.gov")),
    VouchedClaim(
        "a name of another domain", edited { $0.username = "root@uchicago.edu" }, vouching(["anl.gov"]),
        .foreignName(domain: "anl.gov")),
    VouchedClaim(
        "a name that only ends alike", edited { $0.username = "root@uchicago.edu.anl.gov" }, vouching(["anl.gov"]),
        .foreignName(domain: "anl.gov")),
    VouchedClaim(
        "no name before the domain", edited { $0.username = "@anl.gov" }, vouching(["anl.gov"]),
        .foreignName(domain: "anl.gov")),
    VouchedClaim(
        "a static token's name", edited { $0.username = "ci" }, vouching(["anl.gov"]), .foreignName(domain: "anl.gov")),
    VouchedClaim("a name in capitals", edited { $0.username = "Alice@ANL.gov" }, vouching(["anl.gov"]), nil),
    VouchedClaim(
        "a domain in capitals", edited { $0.domain = "ANL.GOV" }, vouching(["anl.gov"]), .foreignName(domain: "ANL.GOV")),
    VouchedClaim("a service account", program, vouching(["clients.auth.globus.org"]), nil),
    VouchedClaim("a service account of nobody's", program, vouching(["anl.gov"]), .domain("clients.auth.globus.org")),
    VouchedClaim("a static token", UserIdentity(staticToken: "ci"), vouching(["anl.gov"]), nil),
    VouchedClaim("its own site's nodes are bound too", alice, vouching(["uchicago.edu"], own: true), .domain("anl.gov")),
]

@Test(arguments: claims) func aSiteSpeaksForItsDomainsAlone(_ claim: VouchedClaim) {
    #expect(claim.by.refusal(of: claim.user)?.reason == claim.expected)
    if let refusal = claim.by.refusal(of: claim.user) { #expect(refusal.description.contains("alpha")) }
}

@Test func whatNoDomainProvesIsNotBelievedOfABoundSite() {
    let subjects = AccessRule(users: ["9c8f"])
    let providers = AccessRule(identityProviders: ["idp-anl"])
    let names = AccessRule(users: ["alice@anl.gov"])
    func admitted(_ by: Vouching) -> [Bool] {
        [subjects, providers, names].map { $0.refusal(of: by.seen(alice), rule: "r", nowSeconds: 200) == nil }
    }
    #expect(admitted(vouching(["*"])) == [true, true, true])
    #expect(admitted(vouching(["anl.gov"])) == [false, false, true])
    #expect(admitted(vouching(["*"], narrowed: ["anl.gov"])) == [false, false, true])
    // Groups and what the login met are told of users of its domains.
    #expect(vouching(["anl.gov"]).seen(alice).groups == ["g1"])
    #expect(vouching(["anl.gov"]).seen(alice).policies == ["p1"])
}

@Test func aPersonIsNoProgramBecauseASiteSaysSo() {
    // Programs are not asked how they logged in.
    let rule = AccessRule(policies: ["p9"], users: ["alice@anl.gov", "c1"])
    let claimed = edited { $0.isServiceAccount = true }
    for by in [vouching(["*"]), vouching(["anl.gov"])] {
        #expect(rule.refusal(of: by.seen(claimed), rule: "r", nowSeconds: 200)?.part == .policy)
    }
    let clients = vouching(["clients.auth.globus.org"])
    #expect(rule.refusal(of: clients.seen(program), rule: "r", nowSeconds: 200) == nil)
    // Its subject is in its name; another's is not.
    let other = edited(program) { $0.subject = "c2" }
    #expect(AccessRule(users: ["c2"]).refusal(of: clients.seen(other), rule: "r", nowSeconds: 200) != nil)
}

@Test func aStaticTokenIsKnownByItsSite() {
    var claimed = UserIdentity(staticToken: "ci")
    claimed.username = "alice@anl.gov"
    claimed.groups = ["g1"]
    claimed.domain = "anl.gov"
    let seen = vouching(["*"]).seen(claimed)
    #expect(seen == UserIdentity(staticToken: "ci@alpha"))
    func admits(_ rule: AccessRule, _ user: UserIdentity) -> Bool {
        rule.refusal(of: user, rule: "r", nowSeconds: 200) == nil
    }
    #expect(!admits(AccessRule(users: ["static:ci", "ci", "alice@anl.gov"]), seen))
    #expect(!admits(AccessRule(domains: ["anl.gov"]), seen))
    #expect(!admits(AccessRule(groups: ["g1"]), seen))
    #expect(admits(AccessRule(users: ["static:ci@alpha"]), seen))
    #expect(admits(AccessRule(users: ["ci@alpha"]), seen))
    // A site cannot speak for another's by its name.
    let foreign = vouching(["*"]).seen(UserIdentity(staticToken: "ci@beta"))
    #expect(!admits(AccessRule(users: ["static:ci@beta", "ci@beta"]), foreign))
    // Between nodes of one site it keeps its name, and nothing else.
    #expect(vouching(["*"], own: true).seen(claimed) == UserIdentity(staticToken: "ci"))
}

@Test func whoHasNoDomainMeetsNoRule() {
    let nameless = UserIdentity(subject: "9c8f", username: "alice", identityProvider: "idp-anl", groups: ["g1"])
    #expect(vouching(["anl.gov"]).refusal(of: nameless) == nil)
    let seen = vouching(["*"]).seen(nameless)
    for rule in [
        AccessRule(users: ["9c8f", "alice", "alice@alpha"]), AccessRule(groups: ["g1"]),
        AccessRule(identityProviders: ["idp-anl"]),
    ] {
        #expect(rule.refusal(of: seen, rule: "r", nowSeconds: 200) != nil)
    }
}
