import Testing

@testable import MeshNode
@testable import Simulation

private func outcome(_ seed: UInt64, seconds: Double?, failure: Failure? = nil) -> Outcome {
    Outcome(
        seed: seed, events: 12, virtualSeconds: 60, failure: failure,
        figures: [Figure(name: "bytes", value: 1234.5, unit: "B/s")],
        measures: [Measure(text: "all \"equal\"", measured: seconds, aim: 2, unit: "s", isHeld: failure == nil)],
        fingerprint: 255)
}

private let scenario = {
    var scenario = Scenario(name: "tests", description: "d", nodes: 3, runSeconds: 60)
    scenario.expectations = [Simulation.Expectation(.converged(after: nil, withinSeconds: 2))]
    return scenario
}()

@Suite struct SimulationReportTests {
    @Test("one run")
    func run() {
        let held = RunReport(scenario: scenario, outcome: outcome(7, seconds: 1.23456))
        #expect(
            held.text == """
                tests, seed 7: 3 nodes, 60 s, 12 events
                      expected     measured
                held  all "equal"  1.23 s
                      bytes        1235 B/s

                """)
        #expect(
            held.json == #"{"scenario":"tests","nodes":3,"seed":7,"held":true,"failure":null,"virtualSeconds":60,"#
                + #""events":12,"fingerprint":"ff","#
                + #""expectations":[{"text":"all \"equal\"","held":true,"measured":1.23456,"aim":2,"unit":"s"}],"#
                + #""figures":[{"name":"bytes","value":1234.5,"unit":"B/s"}]}"# + "\n")
    }

    @Test("a run that failed")
    func failed() {
        let failure = Failure(kind: .expectation(0), text: "expected it", step: 4, seconds: 33.25)
        let report = RunReport(scenario: scenario, outcome: outcome(7, seconds: nil, failure: failure))
        #expect(report.text.contains("BROKE  all \"equal\"  never"))
        #expect(report.json.contains(#""failure":{"text":"expected it","step":4,"atSeconds":33.25,"seed":7}"#))
        #expect(failure.line(seed: 7) == "expected it; step 4, 33.3 s, seed 7")
    }

    @Test("many seeds")
    func seeds() {
        let failure = Failure(kind: .ghost, text: "a ghost", step: nil, seconds: 3)
        let outcomes = [outcome(4, seconds: 1), outcome(5, seconds: nil, failure: failure), outcome(6, seconds: 3)]
        let report = SeedsReport(scenario: scenario, range: SeedRange(first: 4, last: 6), outcomes: outcomes)
        #expect(
            report.text == """
                tests, seeds 4..6: 2 of 3 held
                held    expected     least     mean      most
                2 of 3  all "equal"  1 s       2 s       3 s
                        bytes        1235 B/s  1235 B/s  1235 B/s
                seed 5: a ghost

                """)
        #expect(report.json.contains(#""failed":[{"text":"a ghost","step":null,"atSeconds":3,"seed":5}]"#))
        #expect(report.json.contains(#""held":2,"least":1,"mean":2,"most":3,"aim":2,"unit":"s""#))
    }
}
