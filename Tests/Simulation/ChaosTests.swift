import Gossip
import Testing

@testable import Simulation

@Suite struct ChaosTests {
    /// All sorts of trouble; then peace, in which all views must become equal and right.
    @Test(arguments: UInt64(1)...12)
    func peaceFollowsAnyTrouble(seed: UInt64) {
        let outcome = trouble.run(seed: seed)
        #expect(outcome.failure == nil)
        #expect(outcome.measures.count == 1)
    }

    @Test func troubleIsDrawnFromTheSeed() {
        let drawn = trouble.resolved(seed: 1).scenario.steps
        #expect(drawn == trouble.resolved(seed: 1).scenario.steps)
        #expect(drawn != trouble.resolved(seed: 2).scenario.steps)
        #expect(drawn.allSatisfy { (5...70).contains($0.at) })
        #expect(drawn == drawn.sorted { $0.at < $1.at })
        #expect(drawn.last?.action == .mark(ChaosModel.peace))
    }

    @Test func everySortOfTroubleIsDrawn() {
        var random = SeededGenerator(seed: 1)
        var seen: Set<Trouble> = []
        for _ in 0..<1000 { seen.insert(Trouble.drawn(&random)) }
        #expect(seen.count == Trouble.allCases.count)
    }

    @Test func groupsAreDrawnApart() {
        var scenario = Scenario.calm(20)
        scenario.groups = [
            NodeGroup(name: "some", members: .random(count: 5, mayBeSeeds: false)),
            NodeGroup(name: "third", members: .share(0.3, mayBeSeeds: true)), NodeGroup(name: "others", members: .rest),
        ]
        let groups = scenario.resolved(seed: 9).groups
        let all = ["some", "third", "others"].flatMap { groups[$0] ?? [] }
        #expect(all.count == 20 && Set(all).count == 20)
        #expect(groups["some"]?.count == 5 && groups["third"]?.count == 6)
        #expect(groups["some"]?.contains(0) == false)
        #expect(groups["all"]?.count == 20)
    }
}
