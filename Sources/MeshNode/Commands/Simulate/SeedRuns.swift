import CLinux
import Glibc
import Simulation
import Synchronization

/// Runs of one scenario with many seeds, on every core that this process may use.
final class SeedRuns: Sendable {
    private static let threadsAllowed = 64

    private struct State {
        var next: UInt64
        var outcomes: [Outcome?]
        var done = 0
        var failed = 0
    }

    private let scenario: Scenario
    private let range: SeedRange
    private let progress: SimulationProgress
    private let state: Mutex<State>

    /// - Returns: how each seed went, in the order of the seeds.
    static func run(_ scenario: Scenario, _ range: SeedRange) -> [Outcome] {
        let runs = SeedRuns(scenario, range)
        var threads: [pthread_t] = []
        for _ in 1..<max(1, min(Int(mesh_usable_cores()), threadsAllowed, range.count)) {
            if let thread = runs.startThread() { threads.append(thread) }
        }
        runs.work()
        for thread in threads { pthread_join(thread, nil) }
        runs.progress.clear()
        return runs.state.withLock { $0.outcomes.compactMap { $0 } }
    }

    private init(_ scenario: Scenario, _ range: SeedRange) {
        self.scenario = scenario
        self.range = range
        progress = SimulationProgress(scenario.name)
        state = Mutex(State(next: range.first, outcomes: Array(repeating: nil, count: range.count)))
    }

    /// nil if there is no thread to be had: fewer do as well.
    private func startThread() -> pthread_t? {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<SeedRuns>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            }, argument.toOpaque())
        if result == 0 { return thread }
        argument.release()
        return nil
    }

    private func work() {
        while let seed = take() {
            var run = Run(scenario, seed: seed)
            let outcome = run.run()
            state.withLock { state in
                state.outcomes[Int(seed - range.first)] = outcome
                state.done += 1
                if outcome.failure != nil { state.failed += 1 }
                progress.show("\(state.done) of \(range.count) seeds\(state.failed > 0 ? ", \(state.failed) failed" : "")")
            }
        }
    }

    private func take() -> UInt64? {
        state.withLock { state in
            guard state.next <= range.last else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }
}
