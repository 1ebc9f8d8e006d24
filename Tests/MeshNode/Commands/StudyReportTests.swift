import Testing

@testable import MeshNode
@testable import Simulation

@Suite struct StudyReportTests {
    private static func report(atMost: Double) -> StudyReport {
        var study = RoutingStudy(
            name: "tests", description: "d", sites: [RoutingStudy.Sites(count: 3)], workload: Workload(.azureCode),
            load: 0.9, views: [30])
        study.requests = 200
        study.placements = [.oracle, .best]
        let best = StudyExpectation.Subject(.best, view: 30)
        study.expectations = [
            StudyExpectation(.waitMean, of: best, against: .init(.oracle, view: 30), .atMost(atMost)),
            StudyExpectation(.refusals, of: best, .atMost(1)),
        ]
        var oracle = StudyOutcome()
        oracle.waits = [1, 2, 3]
        oracle.completions = [10, 20, 30]
        var other = oracle
        other.waits = [1, 3, 5]
        other.refusals = 1
        return StudyReport(table: StudyTable(study, [[oracle], [other]]), range: SeedRange(first: 1, last: 5))
    }

    @Test("for people")
    func text() {
        let report = Self.report(atMost: 1.4)
        #expect(
            report.text == """
                tests, seeds 1..5: 3 sites, 200 requests each, load 0.9

                        wait s  x    p99  x     done s  x  p99  x  refused
                oracle  2       1    3    1     20      1  30   1  0
                best    3       1.5  5    1.67  20      1  30   1  0.333

                       expected                                     measured
                BROKE  best, wait.mean: at most 1.4 times oracle's  1.5 x
                held   best, refusals: at most 1                    0.333

                """)
        #expect(report.failure == "best, wait.mean: at most 1.4 times oracle's: measured 1.5; step none, seeds 1..5")
        #expect(Self.report(atMost: 1.5).failure == nil)
    }

    @Test("for programs")
    func json() {
        let json = Self.report(atMost: 1.5).json
        #expect(
            json.hasPrefix(
                #"{"study":"tests","sites":3,"requests":200,"seeds":{"first":1,"last":5},"held":true,"failure":null,"#
                    + #""rows":[{"placement":"oracle","viewSeconds":null,"wait.mean":2,"wait.p50":2,"wait.p99":3,"#))
        #expect(json.contains(#"{"placement":"best","viewSeconds":30,"wait.mean":3,"#))
        #expect(
            json.hasSuffix(
                #""expectations":[{"text":"best, wait.mean: at most 1.5 times oracle's","held":true,"measured":1.5,"#
                    + #""atMost":1.5},{"text":"best, refusals: at most 1","held":true,"measured":0.333333,"atMost":1}]}"#
                    + "\n"))
        #expect(Self.report(atMost: 1).json.contains(#""held":false,"failure":"best, wait.mean: at most 1 times"#))
    }
}
