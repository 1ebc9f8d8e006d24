import Testing

@testable import Simulation

@Suite struct DeterminismTests {
    @Test(arguments: UInt64(1)...3)
    func theSameSeedGivesTheSameTrace(seed: UInt64) {
        let first = trouble.trace(seed: seed)
        #expect(first == trouble.trace(seed: seed))
        #expect(first.utf8.count > 100_000)
    }

    @Test func theSameSeedGivesTheSameOutcome() {
        #expect(trouble.run(seed: 7) == trouble.run(seed: 7))
    }

    @Test func anotherSeedGivesAnotherRun() {
        #expect(trouble.run(seed: 1).fingerprint != trouble.run(seed: 2).fingerprint)
    }

    /// Known for good: changes only with the machine, the world, or the dependence on something else.
    @Test func watchingChangesNothing() {
        final class Count { var lines = 0 }
        let count = Count()
        var watched = Run(trouble, seed: 4) { _ in count.lines += 1 }
        let outcome = watched.run { _ in }
        #expect(outcome == trouble.run(seed: 4))
        #expect(count.lines > 1000)
    }

    @Test func resolvedScenariosRunAlike() {
        let scenario = trouble.resolved(seed: 5).scenario
        #expect(scenario.chaos == nil)
        #expect(scenario.run(seed: 5).fingerprint == trouble.run(seed: 5).fingerprint)
    }

    @Test func eventsComeInOrder() {
        var queue = EventQueue()
        var random: UInt64 = 1
        for subject in 0..<1000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1
            queue.push(Event(.tick, at: random >> 56, subject: subject))
        }
        var last: (UInt64, UInt64) = (0, 0)
        var count = 0
        while let event = queue.pop(until: 200) {
            #expect(last <= (event.at, event.order))
            last = (event.at, event.order)
            count += 1
        }
        #expect(count + queue.count == 1000)
        #expect(count > 500)
    }

    @Test func traceIsJSON() {
        let line = TraceLine(at: 1_020_000_003, .step(2, .mark("a \"b\"\n"))).json
        #expect(line == #"{"at":1.020000003,"event":"step","step":2,"action":"mark(\"a \\\"b\\\"\\n\")"}"#)
    }
}
