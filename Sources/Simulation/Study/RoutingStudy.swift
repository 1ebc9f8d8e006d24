/// Ways to choose a site, compared by the same requests at the same sites.
public struct RoutingStudy: Sendable, Equatable {
    public var name: String
    public var description: String
    /// The seeds from 1 that it is run with where nobody says otherwise.
    public var seeds = 5
    public var sites: [Sites]
    public var workload: Workload
    /// Requests a second as a part of what all sites can serve where nothing is cached.
    public var load: Double
    /// How uneven the sites' own users are: the exponent of Zipf's law; 0: all alike.
    public var skew = 0.8
    public var roundTripSeconds = 0.002...0.085
    /// Seconds between two reports of a site; each of these is a run of its own.
    public var views: [Double]
    /// Until a report has reached the others.
    public var viewDelaySeconds = 0.0
    /// Requests that are counted, after as many as a fifth of them that are not.
    public var requests = 20_000
    public var deaths: Deaths?
    public var walltimes: Walltimes?
    public var placements = Placement.allCases
    public var expectations: [StudyExpectation] = []

    public init(name: String, description: String, sites: [Sites], workload: Workload, load: Double, views: [Double]) {
        self.name = name
        self.description = description
        self.sites = sites
        self.workload = workload
        self.load = load
        self.views = views
    }
}

extension RoutingStudy {
    /// Sites that are alike but for chance: each draws its own from the ranges.
    public struct Sites: Sendable, Equatable {
        public var count: Int
        /// Requests that run at once.
        public var slots = 4.0...64.0
        /// Seconds a token where nothing else runs.
        public var tokenSeconds = 0.015...0.04
        public var prefillTokensPerSecond = 4000.0...16_000.0
        /// How much longer a token takes where all slots are taken: 0.5 for half as long again.
        public var slowdown = 0.5
        /// What a site's prefix cache holds.
        public var cacheTokens = 0.0

        public init(count: Int) { self.count = count }
    }

    /// Sites that die, with their nodes and all that runs there, and do not come back.
    public struct Deaths: Sendable, Equatable {
        /// Of all sites.
        public var share: Double
        public var atSeconds: Double
        /// All are dead by then, counted from `atSeconds`.
        public var withinSeconds: Double
        /// From a death until a request that is there, or comes there, is seen to be lost; 0: connections are refused at once.
        public var noticedAfterSeconds: Double
        /// From a death until gossip has told everybody.
        public var knownAfterSeconds: Double

        public init(
            share: Double, atSeconds: Double, withinSeconds: Double = 60, noticedAfterSeconds: Double = 0,
            knownAfterSeconds: Double = 20
        ) {
            self.share = share
            self.atSeconds = atSeconds
            self.withinSeconds = withinSeconds
            self.noticedAfterSeconds = noticedAfterSeconds
            self.knownAfterSeconds = knownAfterSeconds
        }
    }

    /// Sites run in jobs that end; what still runs then is cut off, and the next job starts cold.
    public struct Walltimes: Sendable, Equatable {
        /// How long a job runs.
        public var jobSeconds: ClosedRange<Double>
        /// From the end of a job until the next one serves.
        public var startSeconds: ClosedRange<Double>
        /// So long before its end a site says that it drains.
        public var drainSeconds: Double

        public init(jobSeconds: ClosedRange<Double>, startSeconds: ClosedRange<Double>, drainSeconds: Double) {
            self.jobSeconds = jobSeconds
            self.startSeconds = startSeconds
            self.drainSeconds = drainSeconds
        }
    }

    /// How a site is chosen.
    ///
    /// All but `best` send a request once, to wait there in line. One that fails before its first byte is sent again by all of them, as
    /// often as `best` does, but for `home`.
    public enum Placement: String, Sendable, CaseIterable {
        /// Sees every queue at once, and takes the least expected wait and round trip.
        case oracle
        /// As nodes choose: `Routing.Choice` and `Routing.Journey` themselves, with admission at the serving site.
        case best
        /// Probes before each request whose answers are fresh, of which the coldest is taken (Prequal, Wydrowski and others 2024).
        case probing
        /// Weighted by load and by the age of what is known of it (Dahlin 2000).
        case loadInterpretation
        /// Any, by what it can serve.
        case random
        /// In turn, each as often as it can serve.
        case roundRobin
        /// The less loaded of two drawn at random (Mitzenmacher 2001), as gossip last said.
        case powerOfTwo
        /// The least loaded as gossip last said.
        case leastLoaded
        /// At the site where the request came in.
        case home
        /// The first of the configured list whose model runs: what FIRST did over its clusters.
        case first

        /// Whether it is another run where views are older.
        public var dependsOnViews: Bool {
            switch self {
            case .best, .loadInterpretation, .powerOfTwo, .leastLoaded: true
            case .oracle, .probing, .random, .roundRobin, .home, .first: false
            }
        }
    }
}
