import Gossip
import Testing

@testable import Simulation

/// Each expectation is measured, and is shown to break where it should.
@Suite struct ExpectationTests {
    private func measure(_ scenario: Scenario) -> Measure { scenario.run().measures[0] }

    @Test func convergence() {
        let calm = Scenario.calm(6)
        #expect(measure(calm.expecting(.converged(after: nil, withinSeconds: 10))).isHeld)
        let early = measure(calm.expecting(.converged(after: nil, withinSeconds: 0.01)))
        #expect(!early.isHeld && early.measured ?? 0 > 0.01)
        // Equal at first, but not at the end.
        let broken = calm.naming(1).doing(Step(at: 20, .clog("n1", true))).expecting(
            .converged(after: nil, withinSeconds: 10))
        #expect(!measure(broken).isHeld)
        // A split is not whole, however equal its parts.
        let split = calm.naming(1, 2).doing(Step(at: 20, .partition(["n1", "n2"])), Step(at: 20, .mark("split")))
        #expect(measure(split.expecting(.converged(after: "never", withinSeconds: 30))).measured == nil)
    }

    @Test func whatIsPublishedIsSeen() throws {
        let scenario = Scenario.calm(6).naming(2).doing(Step(at: 20, .publish("n2", .catalog, mark: "news")))
        let all = measure(scenario.expecting(.seen(mark: "news", share: 1, withinSeconds: 3)))
        let half = measure(scenario.expecting(.seen(mark: "news", share: 0.5, withinSeconds: 3)))
        #expect(all.isHeld && half.isHeld)
        let (first, last) = (try #require(half.measured), try #require(all.measured))
        #expect(first > 0 && first <= last)
        let cut = scenario.doing(Step(at: 10, .clog("n2", true)))
        #expect(measure(cut.expecting(.seen(mark: "news", share: 1, withinSeconds: 3))).measured == nil)
    }

    @Test func crashesAreDetected() throws {
        let crash = Scenario.calm(6).naming(2).doing(
            Step(at: 20, .crash("n2", isSilent: true)), Step(at: 20, .mark("crash")))
        let expected = Expectation.Kind.detected(
            group: "n2", states: [.unreachable], share: 1, after: "crash", withinSeconds: 30)
        #expect(measure(crash.expecting(expected)).isHeld)
        #expect(measure(crash.expecting(.atEnd(group: "n2", states: [.unreachable]))).isHeld)
        #expect(measure(crash.expecting(.atEnd(group: "n2", states: [.alive]))).measured == 5)
        // A verdict about whoever is gone is none against the living.
        #expect(measure(crash.expecting(.falseDeaths(atMost: 0, outside: nil, from: nil, to: nil))).measured == 0)
    }

    @Test func falseVerdictsAreCounted() {
        let scenario = Scenario.calm(3).expecting(.falseDeaths(atMost: 0, outside: nil, from: nil, to: nil))
        var world = World(scenario, seed: 1)
        world.run(progress: nil)
        let known = world.sights[0, 1]
        world.judgeVerdict(0, 1, from: .alive, to: .unreachable, known)
        world.judgeVerdict(1, 1, from: .alive, to: .unreachable, known)
        #expect(world.court.falseDeaths[0].count == 1)
        world.stop(1, isSilent: false)
        world.judgeVerdict(0, 1, from: .alive, to: .unreachable, known)
        #expect(world.court.falseDeaths[0].count == 1)
    }

    @Test func bytesAreCounted() throws {
        let marks = Scenario.calm(6, seconds: 120).naming(2).doing(
            Step(at: 60, .publish("n2", .catalog, mark: "news")), Step(at: 80, .mark("later")))
        let idle = measure(marks.expecting(.bytesPerSecond(group: "all", from: "later", to: nil, atMost: 1000)))
        #expect(idle.isHeld && idle.measured ?? 0 > 20)
        let few = measure(marks.expecting(.exchangesPerSecond(group: "n2", from: "later", to: nil, atMost: 3)))
        #expect(few.isHeld && few.measured ?? 0 > 0.5)
        // Five others get 1024 bytes each, with what it takes to tell them.
        let news = try #require(measure(marks.expecting(.bytesFor(from: "news", to: "later", atMost: 20_000))).measured)
        #expect((5120...12_000).contains(news))
    }

    @Test func recordBytesAreKnown() {
        let bytes = measure(Scenario.calm(4).expecting(.recordBytes(atMost: 1))).measured
        let model = RecordModel()
        #expect(bytes == Double(4 * (model.identityBytes + model.catalogBytes + model.loadBytes)))
    }

    @Test func theFirstThatBreaksIsNamed() throws {
        let failure = try #require(
            Scenario.calm(3).doing(Step(at: 5, .mark("here"))).expecting(
                .converged(after: nil, withinSeconds: 30), .refused(cause: .expired, atLeast: 1)
            ).run().failure)
        #expect(failure.kind == .expectation(1))
        #expect(failure.text == "expected at least 1 records refused as expired: 0.0 records")
        #expect(failure.step == 0)
    }
}
