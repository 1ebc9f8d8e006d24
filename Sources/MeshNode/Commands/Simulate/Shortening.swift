import Simulation

/// Finds a shorter scenario that fails as a failed run did.
struct Shortening {
    private let scenario: Scenario
    private let outcome: Outcome

    init(_ scenario: Scenario, _ outcome: Outcome) {
        self.scenario = scenario
        self.outcome = outcome
    }

    func result(_ progress: SimulationProgress) -> (scenario: Scenario, seed: UInt64)? { nil }
}
