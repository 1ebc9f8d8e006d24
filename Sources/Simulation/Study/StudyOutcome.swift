/// What one way to choose has come to, over all requests that were counted.
public struct StudyOutcome: Sendable, Equatable {
    /// Seconds until the request ran, round trips and refusals among them, ascending; of those that were answered.
    public var waits: [Double] = []
    /// Seconds until its answer was whole, ascending.
    public var completions: [Double] = []
    public var refusals = 0
    /// Tokens of prompts that were in the site's cache, and all.
    public var cachedTokens = 0.0
    public var inputTokens = 0.0
    public var awayFromHome = 0
    /// Users that were told of an error before the first byte.
    public var failures = 0
    /// Answers that broke off.
    public var interrupted = 0
    /// Requests whose users' own node died with them under way, which no other node can answer.
    public var orphaned = 0

    public var answered: Int { waits.count }
    /// Every request ends in one of these ways.
    public var requests: Int { answered + failures + interrupted + orphaned }

    public subscript(measure: StudyMeasure) -> Double {
        switch measure {
        case .waitMean: mean(waits)
        case .waitMedian: value(waits, 0.5)
        case .waitP99: value(waits, 0.99)
        case .completionMean: mean(completions)
        case .completionP99: value(completions, 0.99)
        case .refusals: share(Double(refusals), of: Double(requests))
        case .away: share(Double(awayFromHome), of: Double(answered))
        case .cacheHits: share(cachedTokens, of: inputTokens)
        case .failures: Double(failures)
        case .interrupted: Double(interrupted)
        }
    }

    private func share(_ part: Double, of all: Double) -> Double { all > 0 ? part / all : 0 }

    private func mean(_ values: [Double]) -> Double { share(values.reduce(0, +), of: Double(values.count)) }

    private func value(_ values: [Double], _ part: Double) -> Double {
        values.isEmpty ? 0 : values[min(values.count - 1, Int(Double(values.count) * part))]
    }
}

extension RoutingStudy {
    /// Runs one way to choose, with the sites and requests of a seed.
    public func run(_ placement: Placement, view: Double, seed: UInt64) -> StudyOutcome {
        var world = StudyWorld(self, placement, view: view, seed: seed)
        return world.run()
    }
}
