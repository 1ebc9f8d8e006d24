@testable import Simulation

extension RoutingStudy {
    /// A few sites and some hundreds of requests: enough to tell ways to choose apart.
    static func small(_ shape: Workload.Shape = .azureConversation, load: Double = 0.9) -> RoutingStudy {
        var sites = Sites(count: 8)
        sites.slots = 4...24
        var study = RoutingStudy(
            name: "small", description: "d", sites: [sites], workload: Workload(shape), load: load, views: [30])
        study.requests = 2000
        return study
    }

    func run(_ placement: Placement, seed: UInt64 = 1) -> StudyOutcome { run(placement, view: views[0], seed: seed) }
}

/// Of a site that serves a token in a hundredth of a second and reads a thousand a second.
func site(slots: Int, slowdown: Double = 0, cacheTokens: Double = 0) -> InferenceSite {
    InferenceSite(
        slots: slots, tokenSeconds: 0.01, prefillTokensPerSecond: 1000, slowdown: slowdown, cacheTokens: cacheTokens)
}
