import Simulation

/// Finds a shorter scenario that fails as a failed run did.
struct Shortening {
    /// Events that all its runs together may handle, about: some seconds' work. A large scenario is not made short.
    private static let eventsAllowed = 6_000_000
    private static let runsAllowed = 400

    private let scenario: Scenario
    private let outcome: Outcome

    init(_ scenario: Scenario, _ outcome: Outcome) {
        self.scenario = scenario
        self.outcome = outcome
    }

    /// nil if the runs that it would take are too long, or none is shorter.
    func result(_ progress: SimulationProgress) -> Scenario? {
        guard let failure = outcome.failure else { return nil }
        let runs = min(Self.runsAllowed, Self.eventsAllowed / max(outcome.events, 1))
        guard runs >= 10 else { return nil }
        var shrinker = Shrinker(scenario, seed: outcome.seed, failure: failure, runs: runs)
        let shrunk = shrinker.shrink { runs, steps in progress.show("made short: \(runs) runs, \(steps) steps left") }
        progress.clear()
        return shrunk.scenario
    }
}
