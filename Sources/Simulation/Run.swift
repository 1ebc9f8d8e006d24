/// One run of a scenario: the same scenario and seed give the same run, to the byte of its trace.
public struct Run: ~Copyable {
    private var world: World

    /// - Parameter trace: is told of everything that happens, while it happens.
    public init(_ scenario: Scenario, seed: UInt64, trace: ((borrowing TraceLine) -> Void)? = nil) {
        world = World(scenario, seed: seed, trace: trace)
    }

    /// Runs to the end, or to the first broken invariant.
    ///
    /// - Parameter progress: is told now and then which part of the time has passed.
    public mutating func run(progress: ((Double) -> Void)? = nil) -> Outcome {
        world.run(progress: progress)
        return world.outcome
    }
}
