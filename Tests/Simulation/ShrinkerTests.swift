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
        #expect(shrunk.scenario.steps.isEmpty)
    }

    // MARK: - In the same way

    /// A crash that is known, but late, beside one of which all is as expected.
    @Test func whatIsLateStaysLate() throws {
        let scenario = Scenario.calm(8, seconds: 90).naming(5, 6).doing(
            Step(at: 30, .crash("n5", isSilent: true)), Step(at: 30, .mark("gone")),
            Step(at: 50, .crash("n6", isSilent: false)), Step(at: 50, .mark("other"))
        ).expecting(
            .detected(group: "n6", states: [.unreachable], share: 1, after: "other", withinSeconds: 30),
            .detected(group: "n5", states: [.unreachable], share: 1, after: "gone", withinSeconds: 0.5),
            .falseDeaths(atMost: 0, outside: nil, from: nil, to: nil))
        let failure = try #require(scenario.run().failure)
        #expect(failure.kind == .expectation(1) && failure.manner == .late)
        var shrinker = Shrinker(scenario, seed: 1, failure: failure)
        let shrunk = shrinker.shrink()
        #expect(shrunk.failure.manner == .late)
        #expect(shrunk.scenario.expectations == [scenario.expectations[1]])
        #expect(shrunk.scenario.steps == Array(scenario.steps[..<2]))
        #expect(shrunk.scenario.nodes == 2)
        #expect(shrunk.scenario.groups == [NodeGroup(name: "n5", members: .nodes([1]))])
        #expect(shrunk.scenario.run().failure == shrunk.failure)
    }

    /// Views that are equal too late, and later no more: the second alone would fail as well.
    @Test func whatIsLateIsNotTakenForWhatDoesNotLast() throws {
        let scenario = Scenario.calm(4, seconds: 90).naming(0, 1, 2).doing(
            Step(at: 30, .clog("n1", true)), Step(at: 31, .publish("n0", .catalog, mark: nil)), Step(at: 31, .mark("news")),
            Step(at: 45, .clog("n1", false)),
            Step(at: 70, .clog("n2", true)), Step(at: 71, .publish("n0", .catalog, mark: nil))
        ).expecting(.converged(after: "news", withinSeconds: 5))
        let failure = try #require(scenario.run().failure)
        #expect(failure.manner == .late)
        var shrinker = Shrinker(scenario, seed: 1, failure: failure)
        #expect(shrinker.shrink().scenario.steps == Array(scenario.steps[..<4]))
    }

    /// Each would fail as well, and sooner, if nothing happened at all.
    @Test(arguments: [
        (Step.Action.crash("n2", isSilent: false), Simulation.Expectation.Kind.atEnd(group: "n2", states: [.left])),
        (.crash("n2", isSilent: false), .detected(group: "n2", states: [.left], share: 1, after: "then", withinSeconds: 9)),
        (.crash("few", isSilent: false), .atEnd(group: "n2", states: [.left])),
        (.crash("all", isSilent: false), .greylisted(group: "n2", share: 1)),
        (.pause("n2"), .greylisted(group: "n2", share: 1)),
        (.misbehave("n3", .forge), .refused(cause: .badSignature, atLeast: 1_000_000)),
        (.publish("n3", .catalog, mark: "then"), .seen(mark: "then", share: 1, withinSeconds: 0)),
    ])
    func whatItIsAboutStaysInTheScript(action: Step.Action, expected: Simulation.Expectation.Kind) throws {
        var scenario = Scenario.calm(6, seconds: 60).naming(1, 2, 3)
        scenario.groups.append(NodeGroup(name: "few", members: .nodes([2, 4])))
        scenario = scenario.doing(
            Step(at: 10, .storm("n1", everySeconds: 1, forSeconds: 5)), Step(at: 20, action), Step(at: 20, .mark("then"))
        ).expecting(expected)
        let failure = try #require(scenario.run().failure)
        var shrinker = Shrinker(scenario, seed: 1, failure: failure)
        let shrunk = shrinker.shrink()
        let isNamed = expected.marks == ["then"]
        #expect(shrunk.scenario.steps.map(\.action) == [action] + (isNamed ? [.mark("then")] : []))
        #expect(shrunk.failure.manner == failure.manner)
        for group in shrunk.scenario.groups { #expect(group.members != .nodes([])) }
    }

    @Test(arguments: [
        (Simulation.Expectation.Kind.converged(after: nil, withinSeconds: 0.01), Failure.Manner.late),
        (.converged(after: nil, withinSeconds: 10), .passing), (.converged(after: "split", withinSeconds: 10), .never),
        (.atEnd(group: "n1", states: [.dead]), .beyond),
        (.detected(group: "others", states: [.left], share: 1, after: "split", withinSeconds: 10), .unasked),
    ])
    func mannersOfFailing(expected: Simulation.Expectation.Kind, manner: Failure.Manner) throws {
        var scenario = Scenario.calm(3, seconds: 60).naming(0, 1)
        scenario.groups.append(NodeGroup(name: "others", members: .nodes([0, 1, 2])))
        scenario = scenario.doing(
            Step(at: 30, .clog("n1", true)), Step(at: 31, .publish("n0", .catalog, mark: nil)), Step(at: 40, .mark("split"))
        ).expecting(expected)
        #expect(scenario.run().failure?.manner == manner)
    }

    /// What is expected does not matter where an invariant breaks, and the moments that it names may come after.
    @Test func aBrokenInvariantNeedsNoExpectation() {
        let scenario = Scenario.calm(4).naming(1).doing(
            Step(at: 50, .crash("n1", isSilent: true)), Step(at: 55, .mark("end"))
        ).expecting(.detected(group: "n1", states: [.dead], share: 1, after: "end", withinSeconds: 1))
        let failure = Failure(kind: .ghost, text: "a ghost", step: nil, seconds: 40)
        var shrinker = Shrinker(scenario, seed: 1, failure: failure, runs: 3)
        let shrunk = shrinker.shrink()
        #expect(shrunk.scenario.expectations == [Simulation.Expectation(.converged(after: nil, withinSeconds: 60))])
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
