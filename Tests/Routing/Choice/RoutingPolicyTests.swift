import Testing

@testable import Routing

@Suite struct RoutingPolicyTests {
    private typealias Case = ChoiceCase

    private func pick(
        _ sites: [Candidate], _ policy: RoutingPolicy, order: [String]? = nil, tried: UInt64 = 0, seed: UInt64 = 1
    ) -> Choice.Picked? {
        var random = SplitMix64(seed: seed)
        let needs = Case.needs {
            $0.policy = policy
            $0.order = order
        }
        return Choice().pick(sites, for: needs, tried: tried, now: Case.at(1001), random: &random)
    }

    @Test func homeWaitsAtHome() {
        let sites = [Case.site("home", running: 10, local: true), Case.site("a", roundTrip: 0.001)]
        #expect(pick(sites, .best) == Choice.Picked(index: 1, reason: .spill, hasRoom: true))
        #expect(pick(sites, .home) == Choice.Picked(index: 0, reason: .home, hasRoom: false))
        // What home cannot do at all goes elsewhere.
        #expect(pick(sites, .home, tried: 1)?.index == 1)
    }

    @Test func latencyTakesTheNearest() {
        let sites = [
            Case.site("a", roundTrip: 0.08), Case.site("b", running: 8, roundTrip: 0.004), Case.site("c", roundTrip: 0.03),
        ]
        for seed in UInt64(0)..<50 { #expect(pick(sites, .latency, seed: seed)?.index == 1) }
    }

    @Test func spreadFollowsTheFreeSlotsHomeOrNot() {
        let sites = [Case.site("home", running: 8, local: true), Case.site("a", running: 5), Case.site("b", running: 7)]
        var counts = [0, 0, 0]
        for seed in UInt64(0)..<5000 { pick(sites, .spread, seed: seed).map { counts[$0.index] += 1 } }
        for (count, expected) in zip(counts, [1000, 2500, 1500]) { #expect(abs(count - expected) < 200) }
    }

    @Test func pinnedKeepsToItsSitesInTheirOrder() {
        let sites = [
            Case.site("home", local: true), Case.site("a", roundTrip: 0.001), Case.site("b"), Case.site("c", running: 10),
        ]
        #expect(pick(sites, .pinned, order: ["b", "a"]) == Choice.Picked(index: 2, reason: .pinned, hasRoom: true))
        #expect(pick(sites, .pinned, order: ["c", "a"])?.index == 1)
        #expect(pick(sites, .pinned, order: ["c"]) == Choice.Picked(index: 3, reason: .pinned, hasRoom: false))
        #expect(pick(sites, .pinned, order: ["elsewhere"]) == nil)
        #expect(pick(sites, .pinned, order: []) == nil)
        let needs = Case.needs {
            $0.policy = .pinned
            $0.order = ["b"]
        }
        #expect(Choice().exclusion(of: sites[1], for: needs) == .notPinned)
    }
}
