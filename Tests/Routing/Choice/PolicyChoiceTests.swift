import Gossip
import Testing

@testable import Routing

private func candidate(
    _ site: String, local: Bool = false, narrowed: [String]? = nil, admitted: [String]? = ["anl.gov"],
    edit: (inout Variant) -> Void = { _ in }
) -> Candidate {
    var variant = Variant(id: "m", state: .running, backend: "openai", dataClasses: ["phi"], path: .onSite)
    edit(&variant)
    return Candidate(
        node: NodeID(site: site, node: "n1"), isLocal: local, nodeState: .alive, isDraining: false, variant: variant,
        load: LiveLoad(),
        vouching: local ? nil : Vouching(site: "alpha", isOwn: site == "alpha", admitted: admitted, narrowed: narrowed),
        api: "https://\(site):8101")
}

private func needs(_ user: UserIdentity?, _ classes: [String] = []) -> RequestNeeds {
    var needs = RequestNeeds(model: "m")
    needs.user = user.map { RequestUser($0) }
    needs.nowSeconds = 100
    let policy = DataPolicy(classes: [DataClass(name: "phi", paths: [.onSite])])
    needs.data = (try? policy.demands(of: user, asked: classes, nowSeconds: 100)) ?? .none
    return needs
}

private let alice = UserIdentity(subject: "9c8f", username: "alice@anl.gov", domain: "anl.gov")
private let bob = UserIdentity(subject: "77aa", username: "bob@uchicago.edu", domain: "uchicago.edu")

private func exclusion(_ candidate: Candidate, _ needs: RequestNeeds) -> Exclusion? {
    Choice().exclusion(of: candidate, for: needs)
}

@Suite struct PolicyChoiceTests {
    @Test func aSiteThatWouldNotTakeOurWordIsLeftOut() {
        #expect(exclusion(candidate("beta"), needs(alice)) == nil)
        #expect(
            exclusion(candidate("beta"), needs(bob))
                == .notVouched(VouchingRefusal(site: "alpha", reason: .domain("uchicago.edu"))))
        #expect(
            exclusion(candidate("beta", narrowed: []), needs(alice))
                == .notVouched(VouchingRefusal(site: "alpha", reason: .narrowed("anl.gov"))))
        // Here they need nobody's word.
        #expect(exclusion(candidate("alpha", local: true), needs(bob)) == nil)
    }

    @Test func modelsOfHighAssuranceAreForTheirOwnNodeAlone() {
        let high = candidate("beta") { $0.highAssurance = true }
        #expect(exclusion(high, needs(alice)) == .highAssurance(api: "https://beta:8101"))
        #expect(exclusion(high, needs(alice))?.description.contains("https://beta:8101") == true)
        #expect(exclusion(candidate("alpha", local: true) { $0.highAssurance = true }, needs(bob)) == nil)
        #expect(exclusion(candidate("alpha") { $0.highAssurance = true }, needs(alice)) != nil)
        // An operator who asks for nobody in particular is told the same.
        var asked = needs(nil)
        asked.ignoresAccess = true
        #expect(exclusion(high, asked) == .highAssurance(api: "https://beta:8101"))
    }

    @Test func rulesOfOtherSitesSeeOurUsersAsTheyWillBeTold() {
        let ci = UserIdentity(staticToken: "ci")
        func guarded(_ site: String, _ name: String, local: Bool = false) -> Candidate {
            candidate(site, local: local) {
                $0.access = [NamedRule(name: "site", rule: AccessRule(users: [name]))]
            }
        }
        #expect(exclusion(guarded("alpha", "static:ci", local: true), needs(ci)) == nil)
        #expect(exclusion(guarded("alpha", "static:ci"), needs(ci)) == nil)
        #expect(exclusion(guarded("beta", "static:ci"), needs(ci)) == .forbidden(AccessRefusal(rule: "site", part: .user)))
        #expect(exclusion(guarded("beta", "static:ci@alpha"), needs(ci)) == nil)
    }

    @Test func labelledDataStaysOnItsWays() {
        #expect(exclusion(candidate("alpha", local: true), needs(alice, ["phi"])) == nil)
        // Another node of our own site is on site too.
        #expect(exclusion(candidate("alpha"), needs(alice, ["phi"])) == nil)
        #expect(exclusion(candidate("beta"), needs(alice, ["phi"])) == .data(.path(.peer, ["phi"])))
        #expect(
            exclusion(candidate("alpha", local: true) { $0.dataClasses = [] }, needs(alice, ["phi"]))
                == .data(.classNotAccepted("phi")))
    }
}
