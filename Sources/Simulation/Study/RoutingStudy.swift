/// Ways to choose a site, compared by the same requests at the same sites.
public struct RoutingStudy: Sendable, Equatable {
    /// Sites that are alike but for chance: each draws its own from the ranges.
    public struct Sites: Sendable, Equatable {
        public var count: Int
        public var slots: ClosedRange<Double>
        public var tokenSeconds: ClosedRange<Double>
        public var prefillTokensPerSecond: ClosedRange<Double>
        public var slowdown: Double

        public init(
            count: Int, slots: ClosedRange<Double> = 4...64, tokenSeconds: ClosedRange<Double> = 0.015...0.04,
            prefillTokensPerSecond: ClosedRange<Double> = 4000...16_000, slowdown: Double = 0.5
        ) {
            self.count = count
            self.slots = slots
            self.tokenSeconds = tokenSeconds
            self.prefillTokensPerSecond = prefillTokensPerSecond
            self.slowdown = slowdown
        }
    }

    /// How a site is chosen.
    public enum Placement: String, Sendable, CaseIterable {
        /// As nodes choose: `Routing.Choice` and `Routing.Journey` themselves, with admission at the serving site.
        case best
        /// At the site where the request came in.
        case home
        /// The first of the configured list whose model runs: what FIRST did over its clusters.
        case first
        case random
        case roundRobin
        /// The least loaded as gossip last said.
        case leastLoaded
        /// The less loaded of two drawn at random (Mitzenmacher 2001), as gossip last said.
        case powerOfTwo
        /// Weighted by load and by the age of what is known of it (Dahlin 2000).
        case loadInterpretation
        /// Probes whose answers are used again (Prequal, Wydrowski and others 2024).
        case probing
        /// Sees every queue at once, and takes the least expected wait and round trip.
        case oracle
    }

    public struct View: Sendable, Equatable {
        /// Seconds between two reports of a site.
        public var everySeconds: Double
        /// Until a report has reached the others.
        public var delaySeconds: Double

        public init(everySeconds: Double, delaySeconds: Double = 0) {
            self.everySeconds = everySeconds
            self.delaySeconds = delaySeconds
        }
    }

    public var name: String
    public var description: String
    public var sites: [Sites]
    public var workload: Workload
    /// Requests a second as a part of what all sites can serve.
    public var load: Double
    /// How uneven the sites' own users are: the exponent of Zipf's law; 0: all alike.
    public var skew: Double
    public var roundTripSeconds: ClosedRange<Double>
    public var view: View
    /// Requests that are counted, after as many as a fifth of them that are not.
    public var requests: Int
    public var placements: [Placement]

    public init(
        name: String, description: String, sites: [Sites], workload: Workload, load: Double, skew: Double = 0.8,
        roundTripSeconds: ClosedRange<Double> = 0.002...0.085, view: View, requests: Int = 20_000,
        placements: [Placement] = Placement.allCases
    ) {
        self.name = name
        self.description = description
        self.sites = sites
        self.workload = workload
        self.load = load
        self.skew = skew
        self.roundTripSeconds = roundTripSeconds
        self.view = view
        self.requests = requests
        self.placements = placements
    }
}
