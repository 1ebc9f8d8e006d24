import Gossip
import Testing

@testable import Simulation

@Suite struct ShrinkerTests {
    /// Of thirty troubles one is to blame: a crash that nothing mends.
    @Test func aCulpritIsFoundAmongMany() throws {
        var scenario = Scenario.calm(8, seconds: 90).naming(0, 5).expecting(.atEnd(group: "n5", states: [.alive]))
        scenario.chaos = ChaosModel(fromSeconds: 5, toSeconds: 40, count: 30)
        scenario = scenario.doing(Step(at: 60, .crash("n5", isSilent: false)))
        let failure = try #require(scenario.run(seed: 3).failure)
        var shrinker = Shrinker(scenario, seed: 3, failure: failure)
        let shrunk = shrinker.shrink()
        #expect(shrunk.scenario.steps.filter { $0.action.makes != nil } == [Step(at: 60, .crash("n5", isSilent: false))])
        #expect(shrunk.scenario.nodes == 2)
        #expect(shrunk.failure.kind == failure.kind)
        #expect(shrunk.runs <= 500)
        // What is left is a scenario that breaks by itself.
        #expect(shrunk.scenario.run(seed: 3).failure == shrunk.failure)
        #expect(shrunk.scenario.chaos == nil)
    }

    @Test func remediesStayWhereTheirTroubleIs() throws {
        // Nothing is wrong but that it takes a second too long.
        let scenario = Scenario.calm(4, seconds: 60).naming(1, 2).doing(
            Step(at: 5, .publish("n2", .catalog, mark: nil)),
            Step(at: 10, .partition(["n1", "n2"])), Step(at: 12, .pause("n1")), Step(at: 20, .resume("n1")),
            Step(at: 30, .heal), Step(at: 30, .mark("healed"))
        ).expecting(.converged(after: nil, withinSeconds: 0.01))
        let failure = try #require(scenario.run().failure)
        var shrinker = Shrinker(scenario, seed: 1, failure: failure)
        let shrunk = shrinker.shrink()
        #expect(shrunk.scenario.steps.map(\.action) == [.mark("healed")])
    }

    @Test func itEndsWithItsRuns() throws {
        var scenario = Scenario.calm(6, seconds: 40).naming(1).expecting(.atEnd(group: "n1", states: [.dead]))
        scenario.chaos = ChaosModel(fromSeconds: 5, toSeconds: 30, count: 20)
        let failure = try #require(scenario.run().failure)
        var shrinker = Shrinker(scenario, seed: 1, failure: failure, runs: 7)
        let shrunk = shrinker.shrink()
        #expect(shrunk.runs == 7)
    }
}
