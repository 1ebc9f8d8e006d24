import Gossip
import Testing

@testable import Routing

private func candidate(
    _ site: String, local: Bool = false, state: ModelState = .running, node: NodeState = .alive, draining: Bool = false,
    slots: Int = 4, running: Int = 0, heard: UInt64 = 1_000, edit: (inout Variant) -> Void = { _ in }
) -> Candidate {
    var variant = Variant(id: "m", state: state, backend: "openai")
    edit(&variant)
    let load = LiveLoad()
    if local {
        load.set(slots: slots, running: running, waiting: 0)
    } else {
        load.update(slots: slots, running: running, waiting: 0, now: heard)
    }
    return Candidate(
        node: NodeID(site: site, node: "n1"), isLocal: local, nodeState: node, isDraining: draining, variant: variant,
        load: load)
}

private func pick(
    _ candidates: [Candidate], _ needs: RequestNeeds = RequestNeeds(model: "m"), tried: UInt64 = 0, now: UInt64 = 2_000,
    seed: UInt64 = 1
) -> Choice.Picked? {
    var random = SplitMix64(seed: seed)
    return Choice().pick(candidates, for: needs, tried: tried, now: now, random: &random)
}

struct HardRule: Sendable, CustomTestStringConvertible {
    var name: String
    var needs: RequestNeeds
    var candidate: Candidate
    var expected: Exclusion?
    var testDescription: String { name }
}

private func needs(_ edit: (inout RequestNeeds) -> Void) -> RequestNeeds {
    var needs = RequestNeeds(model: "m")
    edit(&needs)
    return needs
}

private let rules: [HardRule] = [
    HardRule(name: "fits", needs: needs { _ in }, candidate: candidate("a"), expected: nil),
    HardRule(
        name: "site not allowed", needs: needs { $0.sites = ["b"] }, candidate: candidate("a"), expected: .siteNotAllowed),
    HardRule(
        name: "unreachable", needs: needs { _ in }, candidate: candidate("a", node: .unreachable),
        expected: .unreachable(.unreachable)),
    HardRule(name: "dead", needs: needs { _ in }, candidate: candidate("a", node: .dead), expected: .unreachable(.dead)),
    HardRule(name: "left", needs: needs { _ in }, candidate: candidate("a", node: .left), expected: .unreachable(.left)),
    HardRule(name: "suspect still serves", needs: needs { _ in }, candidate: candidate("a", node: .suspect), expected: nil),
    HardRule(name: "draining", needs: needs { _ in }, candidate: candidate("a", draining: true), expected: .draining),
    HardRule(
        name: "draining home still serves its own", needs: needs { _ in },
        candidate: candidate("a", local: true, draining: true),
        expected: nil),
    HardRule(
        name: "not running", needs: needs { _ in }, candidate: candidate("a", state: .starting),
        expected: .notRunning(.starting)),
    HardRule(
        name: "local policy", needs: needs { _ in }, candidate: candidate("a") { $0.policy = "local" }, expected: .localOnly),
    HardRule(
        name: "local policy at home", needs: needs { _ in }, candidate: candidate("a", local: true) { $0.policy = "local" },
        expected: nil),
    HardRule(
        name: "lacks tools", needs: needs { $0.capabilities = [.chat, .tools] },
        candidate: candidate("a") { $0.capabilities = .declared(["chat"]) }, expected: .lacks(.tools)),
    HardRule(
        name: "unknown capabilities pass", needs: needs { $0.capabilities = .tools }, candidate: candidate("a"),
        expected: nil),
    HardRule(
        name: "context too short", needs: needs { $0.contextTokens = 2049 },
        candidate: candidate("a") { $0.contextTokens = .observed(2048) }, expected: .contextTooShort(has: 2048, needs: 2049)),
    HardRule(
        name: "context just enough", needs: needs { $0.contextTokens = 2048 },
        candidate: candidate("a") { $0.contextTokens = .observed(2048) }, expected: nil),
    HardRule(
        name: "other revision", needs: needs { $0.revision = "r2" },
        candidate: candidate("a") { $0.revision = .declared("r1") },
        expected: .otherRevision("r1")),
    HardRule(
        name: "an unknown revision is not the pinned one", needs: needs { $0.revision = "r2" }, candidate: candidate("a"),
        expected: .otherRevision(nil)),
    HardRule(
        name: "other dtype", needs: needs { $0.dtype = "bf16" }, candidate: candidate("a") { $0.dtype = .declared("fp8") },
        expected: .otherDtype("fp8")),
]

@Suite struct ChoiceTests {
    @Test(arguments: rules) func hardRule(_ rule: HardRule) {
        #expect(Choice().exclusion(of: rule.candidate, for: rule.needs) == rule.expected)
    }

    @Test func homeFirstWhileItHasRoom() {
        let away = candidate("b", slots: 100)
        #expect(pick([away, candidate("a", local: true, slots: 2, running: 1)])?.index == 1)
        #expect(pick([away, candidate("a", local: true, slots: 2, running: 1)])?.reason == .home)
        let spilled = pick([away, candidate("a", local: true, slots: 2, running: 2)])
        #expect(spilled?.index == 0)
        #expect(spilled?.reason == .spill)
    }

    @Test(arguments: 0..<200) func aFullSiteIsNotTakenWhileAnotherHasRoom(seed: UInt64) {
        let candidates = [
            candidate("a", slots: 8, running: 8), candidate("b", slots: 8, running: 7), candidate("c", running: 9),
        ]
        #expect(pick(candidates, seed: seed)?.index == 1)
    }

    @Test(arguments: 0..<50) func ofThoseWithRoomTheNearestIsTaken(seed: UInt64) {
        let candidates = [candidate("a", slots: 40), candidate("b", slots: 10), candidate("c", slots: 10)]
        for (site, seconds) in zip(candidates, [0.08, 0.05, 0.005]) { site.load.setRoundTrip(seconds: seconds) }
        #expect(pick(candidates, seed: seed)?.index == 2)
        // Not where a refusal is as good as certain.
        candidates[2].load.update(slots: 10, running: 10, waiting: 0, now: 1_500)
        #expect(pick(candidates, seed: seed)?.index == 1)
    }

    @Test func thoseThatAreAsGoodShareTheRequests() {
        let candidates = (0..<4).map { candidate("s\($0)", slots: 10, running: 5, heard: 1) }
        var random = SplitMix64(seed: 7)
        var counts = [0, 0, 0, 0]
        for _ in 0..<10_000 {
            if let picked = Choice().pick(candidates, for: RequestNeeds(model: "m"), now: 20_000_000_000, random: &random) {
                counts[picked.index] += 1
            }
        }
        for count in counts { #expect((2000...3000).contains(count)) }
    }

    @Test func oldNewsFadesTowardsWhatIsUsual() {
        let choice = Choice()
        func chance(_ candidate: Candidate, at seconds: UInt64) -> Double {
            choice.chance(candidate.load.sample(), now: seconds * 1_000_000_000)
        }
        // Full just now, and usually half empty.
        let busy = candidate("a", slots: 10, running: 5, heard: 1)
        for second in UInt64(1)...300 {
            busy.load.update(slots: 10, running: second % 2 == 0 ? 4 : 6, waiting: 0, now: second * 1_000_000_000)
        }
        busy.load.update(slots: 10, running: 10, waiting: 0, now: 300_000_000_001)
        #expect(chance(busy, at: 301) < 0.25)
        #expect(chance(busy, at: 400) > 0.8)
        // And the other way round.
        let idle = candidate("b", slots: 10, running: 10, heard: 1)
        for second in UInt64(1)...300 {
            idle.load.update(slots: 10, running: 10, waiting: 1, now: second * 1_000_000_000)
        }
        idle.load.update(slots: 10, running: 0, waiting: 0, now: 300_000_000_001)
        #expect(chance(idle, at: 301) > 0.9)
        #expect(chance(idle, at: 900) < 0.5)
    }

    @Test func whatWasSentSinceCounts() {
        let site = candidate("a", slots: 2)
        site.load.began()
        site.load.began()
        #expect(Choice().chance(site.load.sample(), now: 2_000) < 0.05)
        site.load.ended(reported: false)
        #expect(Choice().chance(site.load.sample(), now: 2_000) > 0.95)
    }

    @Test func aRecentFailureRestsUnlessItIsTheOnly() {
        let failed = candidate("a", slots: 100)
        failed.load.failed(now: 1_000_000_000)
        let other = candidate("b", slots: 1)
        for seed in 0..<50 { #expect(pick([failed, other], now: 2_000_000_000, seed: UInt64(seed))?.index == 1) }
        #expect(pick([failed], now: 2_000_000_000)?.index == 0)
        #expect(pick([failed, other], tried: 2, now: 2_000_000_000)?.index == 0)
    }

    @Test func triedCandidatesAreOut() {
        let candidates = [candidate("a"), candidate("b")]
        #expect(pick(candidates, tried: 1)?.index == 1)
        #expect(pick(candidates, tried: 3) == nil)
    }

    @Test func reasons() {
        #expect(pick([candidate("a")])?.reason == .only)
        #expect(pick([candidate("a"), candidate("b", node: .dead)])?.reason == .only)
        #expect(pick([candidate("a"), candidate("b")], needs { $0.sites = ["b"] })?.reason == .pinned)
    }

    @Test func allFullWaitsAtHomeElseWhereTheLineIsShortest() {
        let full = candidate("b", slots: 2, running: 9)
        let home = pick([full, candidate("a", local: true, slots: 1, running: 1)])
        #expect(home?.index == 1)
        #expect(home?.hasRoom == false)
        let away = pick([full, candidate("c", slots: 4, running: 5)])
        #expect(away?.index == 1)
        #expect(away?.hasRoom == false)
    }

    @Test(arguments: 0..<20) func theSameSeedPicksTheSame(seed: UInt64) {
        let candidates = (0..<64).map { candidate("s\($0)", slots: 1 + $0 % 7) }
        #expect(pick(candidates, seed: seed) == pick(candidates, seed: seed))
    }
}

@Suite struct LiveLoadTests {
    @Test func anOlderReportChangesNothing() {
        let load = LiveLoad()
        load.update(slots: 4, running: 3, waiting: 1, now: 10)
        load.update(slots: 4, running: 0, waiting: 0, now: 9)
        #expect(load.sample().running == 3)
        #expect(load.sample().free == 0)
    }

    @Test func endedNeverGoesBelowZero() {
        let load = LiveLoad()
        load.began()
        load.update(slots: 4, running: 0, waiting: 0, now: 10)
        load.ended(reported: true)
        load.ended(reported: false)
        #expect(load.sample().running == 0)
        #expect(load.sample().sentSince == 0)
    }

    @Test func concurrentUseEndsBalanced() async {
        let load = LiveLoad()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        load.began()
                        load.ended(reported: false)
                    }
                }
            }
        }
        #expect(load.sample().sentSince == 0)
    }
}
