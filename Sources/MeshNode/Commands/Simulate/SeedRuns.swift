import Simulation
import Synchronization

/// Runs of one scenario with many seeds, on every core that this process may use.
enum SeedRuns {
    private struct State {
        var outcomes: [Outcome?]
        var done = 0
        var failed = 0
    }

    /// - Returns: how each seed went, in the order of the seeds.
    static func run(_ scenario: Scenario, _ range: SeedRange) -> [Outcome] {
        let progress = SimulationProgress(scenario.name)
        let state = Shared(State(outcomes: Array(repeating: nil, count: range.count)))
        Crew.work(range.count) { index in
            var run = Run(scenario, seed: range.first + UInt64(index))
            let outcome = run.run()
            state.withLock { state in
                state.outcomes[index] = outcome
                state.done += 1
                if outcome.failure != nil { state.failed += 1 }
                progress.show("\(state.done) of \(range.count) seeds\(state.failed > 0 ? ", \(state.failed) failed" : "")")
            }
        }
        progress.clear()
        return state.withLock { $0.outcomes.compactMap { $0 } }
    }
}

/// A value that pieces of work share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
}
