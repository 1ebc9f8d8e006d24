/// What one way to choose has come to, over all requests that were counted.
public struct StudyOutcome: Sendable, Equatable {
    /// Seconds until the request ran, round trips and refusals among them, ascending.
    public var waits: [Double] = []
    /// Seconds until its answer was whole, ascending.
    public var completions: [Double] = []
    public var refusals = 0
    /// Tokens of prompts that were in the site's cache, and all.
    public var cachedTokens = 0.0
    public var inputTokens = 0.0
    public var awayFromHome = 0

    public var requests: Int { waits.count }
    public var meanWait: Double { mean(waits) }
    public var meanCompletion: Double { mean(completions) }
    public var refusalsPerRequest: Double { waits.isEmpty ? 0 : Double(refusals) / Double(waits.count) }

    public func wait(percentile: Double) -> Double { value(waits, percentile) }
    public func completion(percentile: Double) -> Double { value(completions, percentile) }

    private func mean(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }

    private func value(_ values: [Double], _ percentile: Double) -> Double {
        values.isEmpty ? 0 : values[min(values.count - 1, Int(Double(values.count) * percentile))]
    }
}

extension RoutingStudy {
    /// Runs one way to choose, with the sites and requests of a seed.
    public func run(_ placement: Placement, seed: UInt64) -> StudyOutcome {
        var world = StudyWorld(self, placement, seed: seed)
        return world.run()
    }
}
