import Testing

@testable import Simulation

@Suite struct RoutingStudyTests {
    /// With everything that can happen.
    private static let troubled: RoutingStudy = {
        var study = RoutingStudy.small(.mooncake, load: 0.6)
        study.sites[0].cacheTokens = 200_000
        study.deaths = RoutingStudy.Deaths(share: 0.25, atSeconds: 200, withinSeconds: 60, noticedAfterSeconds: 2)
        study.walltimes = RoutingStudy.Walltimes(jobSeconds: 100...400, startSeconds: 20...60, drainSeconds: 20)
        return study
    }()

    @Test("the same seed gives the same, another another", arguments: RoutingStudy.Placement.allCases)
    func determinism(placement: RoutingStudy.Placement) {
        let first = Self.troubled.run(placement, seed: 3)
        #expect(first == Self.troubled.run(placement, seed: 3))
        #expect(first != Self.troubled.run(placement, seed: 4))
    }

    @Test("every request ends once, whatever happens", arguments: RoutingStudy.Placement.allCases, UInt64(1)...3)
    func conservation(placement: RoutingStudy.Placement, seed: UInt64) {
        let outcome = Self.troubled.run(placement, seed: seed)
        #expect(outcome.requests == Self.troubled.requests)
        #expect(outcome.waits.count == outcome.completions.count)
        #expect(outcome.waits.allSatisfy { $0 >= 0 })
        #expect(outcome.cachedTokens <= outcome.inputTokens)
    }

    @Test("nobody waits less than under the oracle, which sees all", arguments: UInt64(1)...3)
    func oracle(seed: UInt64) {
        let study = RoutingStudy.small()
        let oracle = study.run(.oracle, seed: seed)[.waitMean]
        for placement in RoutingStudy.Placement.allCases where placement != .oracle {
            #expect(study.run(placement, seed: seed)[.waitMean] >= oracle, "\(placement)")
        }
    }

    @Test("old views fell those who go by them alone, and hardly touch who hears with each answer")
    func age() {
        var study = RoutingStudy.small()
        study.requests = 6000
        let (old, new) = (study.run(.best, view: 30, seed: 1), study.run(.best, view: 1, seed: 1))
        #expect(old[.waitMean] < 2 * new[.waitMean])
        #expect(old[.refusals] > 0 && old[.failures] == 0)
        let oldGreed = study.run(.leastLoaded, view: 30, seed: 1)
        let newGreed = study.run(.leastLoaded, view: 1, seed: 1)
        #expect(oldGreed[.waitMean] > 4 * newGreed[.waitMean])
        #expect(oldGreed[.waitMean] > 20 * old[.waitMean])
    }

    @Test("before the first byte nobody is told of a death, and each later one is counted", arguments: UInt64(1)...4)
    func deaths(seed: UInt64) {
        var study = RoutingStudy.small(load: 0.5)
        study.requests = 4000
        study.deaths = RoutingStudy.Deaths(share: 0.34, atSeconds: 250, withinSeconds: 30)
        let setting = StudySetting(study, seed: seed)
        #expect(setting.deaths.count { $0 != nil } == 3)
        // Nobody comes in at a dead site.
        #expect(setting.requests.allSatisfy { $0.arrivedAt < setting.deaths[$0.entry] ?? .infinity })
        let best = study.run(.best, seed: seed)
        #expect(best.failures == 0)
        let random = study.run(.random, seed: seed)
        #expect(random.failures == 0 && random.interrupted > 0 && random.orphaned > 0)
        // What stays at home dies with its users' own node alone.
        let home = study.run(.home, seed: seed)
        #expect(home.failures == 0 && home.interrupted == 0)
    }

    @Test("what a job's end would cut off is sent elsewhere")
    func walltimes() {
        var study = RoutingStudy.small(load: 0.5)
        study.requests = 6000
        study.walltimes = RoutingStudy.Walltimes(jobSeconds: 120...300, startSeconds: 20...40, drainSeconds: 10)
        let best = study.run(.best)
        let random = study.run(.random)
        #expect(random.interrupted > 30)
        #expect(best.interrupted * 5 < random.interrupted, "\(best.interrupted) of \(random.interrupted)")
        #expect(best.failures == 0)
    }

    @Test("a conversation stays where its prompt was read, and nobody waits the longer for it than by chance")
    func prefixes() {
        var study = RoutingStudy.small(.mooncake, load: 0.7)
        study.sites[0].cacheTokens = 1_000_000
        let (best, random) = (study.run(.best), study.run(.random))
        #expect(best[.cacheHits] > 2 * random[.cacheHits])
        #expect(best[.waitP99] <= random[.waitP99])
        study.sites[0].cacheTokens = 0
        #expect(study.run(.best)[.cacheHits] == 0)
    }

    @Test("FIRST's rule fills the first site, and where each stays at home nobody goes away")
    func rules() {
        let study = RoutingStudy.small()
        #expect(study.run(.home)[.away] == 0)
        #expect(study.run(.first)[.waitMean] > 100 * study.run(.random)[.waitMean])
    }
}

@Suite struct StudyTableTests {
    private static func table(_ waits: [RoutingStudy.Placement: [Double]], _ expectations: [StudyExpectation]) -> StudyTable
    {
        var study = RoutingStudy.small()
        study.placements = [.oracle, .best]
        study.views = [30, 1]
        study.expectations = expectations
        return StudyTable(
            study,
            study.runs.map { run in
                // Two seeds; the second view has twice the waits.
                [1.0, 3.0].map { seed in
                    var outcome = StudyOutcome()
                    outcome.waits = (waits[run.placement] ?? []).map { $0 * seed * (run.view == 1 ? 2 : 1) }
                    return outcome
                }
            })
    }

    @Test("figures are means over the seeds, and rows that do not depend on views are there once")
    func rows() throws {
        let table = Self.table([.oracle: [1, 3], .best: [2, 4]], [])
        #expect(table.rows.map(\.placement) == [.oracle, .best, .best])
        #expect(table.rows.map(\.view) == [nil, 30, 1])
        #expect(table.rows.map { $0[.waitMean] } == [4, 6, 12])
        #expect(try #require(table.row(.init(.oracle, view: 1)))[.waitMean] == 4)
    }

    @Test("bounds on a measure, on a ratio to another's and to its own with other views")
    func verdicts() {
        let best = StudyExpectation.Subject(.best, view: 30)
        let oracle = StudyExpectation.Subject(.oracle, view: 30)
        let newer = StudyExpectation.Subject(.best, view: 1)
        let table = Self.table(
            [.oracle: [1, 3], .best: [2, 4]],
            [
                StudyExpectation(.waitMean, of: best, .atMost(6)), StudyExpectation(.waitMean, of: best, .atMost(5.9)),
                StudyExpectation(.waitMean, of: best, against: oracle, .atMost(1.5)),
                StudyExpectation(.waitMean, of: best, against: oracle, .atLeast(1.6)),
                StudyExpectation(.waitMean, of: newer, against: best, .atLeast(2)),
                StudyExpectation(.failures, of: best, against: oracle, .atMost(1)),
                StudyExpectation(.waitMean, of: .init(.random, view: 30), .atMost(1)),
            ])
        #expect(table.verdicts.map(\.isHeld) == [true, false, true, false, true, true, false])
        #expect(table.verdicts.prefix(6).map(\.measured) == [6, 6, 1.5, 1.5, 2, 1])
    }
}
