import Simulation
import Testing

@testable import MeshNode

private func decode(_ text: String) throws(ConfigurationErrors) -> RoutingStudy {
    try Decoding.decode(Array(text.utf8), file: "s.json5", directory: "/s", validatingFiles: false, RoutingStudy.decode)
}

private let head = "{ study: 'tests', description: 'what it shows', sites: [{ count: 3 }], load: 0.5, views: [30, 1],"
private let shape = "workload: 'azure-code',"
private let ends = "expect: [{ of: 'best', measure: 'refusals', atMost: 0.3 }] }"

/// Fields of the study itself, on line 2.
private func study(_ fields: String) -> String { "\(head)\n\(shape) \(fields), \(ends)" }
private func expectation(_ fields: String) -> String { "\(head) \(shape)\nexpect: [{ \(fields) }] }" }

private func whole(_ head: String, ends: String = ends) -> String { "\(head)\(shape)\(ends)" }
private func changed(_ text: String, _ other: String) -> String { whole(head.replacing(text, with: other)) }

/// What is wrong, and how it is told.
private let wrong: [(String, String)] = [
    (whole(head, ends: "}"), "1: expect: is missing; allowed: a list of 1 to 64"),
    ("{ \(ends)", "1: study: is missing; allowed: a name"),
    ("{ \(ends)", "1: sites: is missing; allowed: a list of 1 to 64"),
    ("{ \(ends)", "1: views: is missing; allowed: a list of 1 to 8"),
    ("{ \(ends)", "1: load: is missing; allowed: a number from 0.01 to 10"),
    ("{ \(ends)", "1: workload: is missing; allowed: \"azure-conversation\", \"azure-code\", \"mooncake\""),
    (study("request: 3"), "2: request: unknown key; did you mean `requests`"),
    (study("load: 1"), "2: load: the key is given twice"),
    (study("requests: 99"), "2: requests: found 99; allowed: an integer from 100 to 2000000"),
    (study("placements: ['best', 'worst']"), "2: placements[1]: found \"worst\"; allowed: \"oracle\", \"best\""),
    (study("placements: ['best', 'best']"), "2: placements[1]: found \"best\", which line 2 has already"),
    (study("deaths: { share: 0.5 }"), "2: deaths.atSeconds: is missing; allowed: a number of seconds"),
    (study("deaths: { share: 1, atSeconds: 3 }"), "2: deaths.share: found 1; allowed: a number from 0 to 0.9"),
    (study("walltimes: { startSeconds: [1, 2] }"), "2: walltimes.jobSeconds: is missing; allowed: [least, most]"),
    (study("roundTripSeconds: [2, 1]"), "2: roundTripSeconds: found a list; allowed: [least, most]"),
    (
        changed("count: 3", "count: 65"),
        "1: sites[0].count: found 65; allowed: an integer from 1 to 64"
    ),
    (
        changed("count: 3 }", "count: 40 }, { count: 25 }"),
        "1: sites: found 65 sites; allowed: 64 in all"
    ),
    (changed("[30, 1]", "[30, 30]"), "1: views[1]: found 30, which line 1 has already"),
    (expectation("measure: 'refusals', atMost: 1"), "2: expect[0].of: is missing; allowed: \"oracle\""),
    (
        expectation("of: 'best', measure: 'wait', atMost: 1"),
        "2: expect[0].measure: found \"wait\"; allowed: \"wait.mean\""
    ),
    (expectation("of: 'best', measure: 'refusals'"), "2: expect[0]: found neither atMost nor atLeast"),
    (
        expectation("of: 'best', measure: 'refusals', atMost: 1, atLeast: 1"),
        "2: expect[0]: found atMost and atLeast; allowed: one of them"
    ),
    (
        expectation("of: 'best', measure: 'refusals', view: 3, atMost: 1"),
        "2: expect[0].view: found 3; allowed: one of the study's views: 30, 1"
    ),
    (
        "\(head) \(shape) placements: ['best'],\n"
            + "expect: [{ of: 'best', measure: 'refusals', against: 'oracle', atMost: 1 }] }",
        "2: expect[0].against: found \"oracle\", which is not among the study's placements; allowed: best"
    ),
    (
        expectation("of: 'best', measure: 'refusals', atMost: 1, off: 2"),
        "2: expect[0].off: unknown key; did you mean `of`"
    ),
]

@Suite struct RoutingStudyFileTests {
    @Test("the shipped studies are clean", arguments: try shippedStudies())
    func shipped(path: String) throws {
        guard case .study(let study) = try CheckedFile.load(path: path) else {
            Issue.record("\(path) is no study")
            return
        }
        #expect(path.hasSuffix("/\(study.name).json5"))
        guard case .study(study) = try SimulatedFile.load(path: path) else {
            Issue.record("simulate reads \(path) otherwise")
            return
        }
    }

    @Test("defaults")
    func defaults() throws {
        let study = try decode("\(head) \(shape) \(ends)")
        var expected = RoutingStudy(
            name: "tests", description: "what it shows", sites: [RoutingStudy.Sites(count: 3)],
            workload: Workload(.azureCode), load: 0.5, views: [30, 1])
        let best = StudyExpectation.Subject(.best, view: 30)
        expected.expectations = [StudyExpectation(.refusals, of: best, .atMost(0.3))]
        #expect(study == expected)
    }

    @Test("all that a file can say")
    func everything() throws {
        let study = try decode(
            """
            { study: 'all', description: 'd', seeds: 3, load: 0.9, skew: 1, roundTripSeconds: [0.01, 0.02], views: [5],
              viewDelaySeconds: 2, requests: 500, placements: ['random', 'best'],
              sites: [{ count: 2, slots: [1, 2], tokenSeconds: [0.1, 0.2], prefillTokensPerSecond: [10, 20], slowdown: 1,
                cacheTokens: 7 }, { count: 1 }],
              workload: { shape: 'azure-conversation', bursts: { onSeconds: 1, offSeconds: 2 },
                prefixes: { share: 0.5, part: [0.1, 0.2], conversations: 9 } },
              deaths: { share: 0.5, atSeconds: 1, withinSeconds: 2, noticedAfterSeconds: 3, knownAfterSeconds: 4 },
              walltimes: { jobSeconds: [60, 70], startSeconds: [5, 6], drainSeconds: 7 },
              expect: [{ of: 'random', measure: 'wait.p99', against: 'best', atLeast: 2 }] }
            """)
        #expect(study.seeds == 3 && study.skew == 1 && study.roundTripSeconds == 0.01...0.02 && study.requests == 500)
        #expect(study.viewDelaySeconds == 2 && study.placements == [.best, .random])
        var sites = RoutingStudy.Sites(count: 2)
        sites.slots = 1...2
        sites.tokenSeconds = 0.1...0.2
        sites.prefillTokensPerSecond = 10...20
        sites.slowdown = 1
        sites.cacheTokens = 7
        #expect(study.sites == [sites, RoutingStudy.Sites(count: 1)])
        var workload = Workload(.azureConversation)
        workload.bursts = Workload.Bursts(onSeconds: 1, offSeconds: 2)
        workload.prefixes = Workload.Prefixes(share: 0.5, part: 0.1...0.2, conversations: 9)
        #expect(study.workload == workload)
        #expect(
            study.deaths
                == RoutingStudy.Deaths(
                    share: 0.5, atSeconds: 1, withinSeconds: 2, noticedAfterSeconds: 3, knownAfterSeconds: 4))
        #expect(study.walltimes == .init(jobSeconds: 60...70, startSeconds: 5...6, drainSeconds: 7))
        #expect(
            study.expectations == [
                StudyExpectation(
                    .waitP99, of: .init(.random, view: 5), against: .init(.best, view: 5), .atLeast(2))
            ])
    }

    @Test(
        "expectations, and what they say",
        arguments: [
            ("of: 'best', measure: 'wait.mean', atMost: 2", "best with views of 30 s, wait.mean: at most 2 s"),
            ("of: 'random', measure: 'refusals', atMost: 0.5", "random, refusals: at most 0.5"),
            (
                "of: 'best', view: 1, measure: 'wait.p99', against: 'oracle', atMost: 1.3",
                "best with views of 1 s, wait.p99: at most 1.3 times oracle's"
            ),
            (
                "of: 'best', measure: 'wait.p99', againstView: 1, atMost: 1.2",
                "best with views of 30 s, wait.p99: at most 1.2 times its own with views of 1 s"
            ),
            (
                "of: 'first', measure: 'completion.mean', against: 'best', againstView: 1, atLeast: 50",
                "first, completion.mean: at least 50 times best's with views of 1 s"
            ),
        ])
    func expectations(fields: String, words: String) throws {
        let study = try decode(expectation(fields))
        #expect(try #require(study.expectations.first).words(in: study) == words)
    }

    @Test("each rule", arguments: wrong)
    func rules(text: String, message: String) {
        do throws(ConfigurationErrors) {
            _ = try decode(text)
            Issue.record("taken: \(text)")
        } catch {
            #expect(error.description.contains("s.json5:\(message)"), "\(error.description)")
        }
    }
}
