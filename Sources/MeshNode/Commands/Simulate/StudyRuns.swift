import Simulation

/// Runs of a study: each way to choose with each seed, on every core that this process may use.
enum StudyRuns {
    private struct State {
        var outcomes: [[StudyOutcome?]]
        var done = 0
    }

    static func run(_ study: RoutingStudy, _ range: SeedRange) -> StudyTable {
        let progress = SimulationProgress(study.name)
        let runs = study.runs
        let all = runs.count * range.count
        let state = Shared(State(outcomes: runs.map { _ in Array(repeating: nil, count: range.count) }))
        Crew.work(all) { index in
            let (run, seed) = index.quotientAndRemainder(dividingBy: range.count)
            let outcome = study.run(runs[run], seed: range.first + UInt64(seed))
            state.withLock { state in
                state.outcomes[run][seed] = outcome
                state.done += 1
                progress.show("\(state.done) of \(all) runs")
            }
        }
        progress.clear()
        return StudyTable(study, state.withLock { $0.outcomes.map { $0.compactMap { $0 } } })
    }
}
