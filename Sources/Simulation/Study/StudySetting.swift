import Glibc
import Gossip

/// What a seed gives a study: sites, their distances, their ends, and requests. The same for every way to choose.
struct StudySetting {
    /// A user's request.
    struct Request {
        var arrivedAt: Double
        var entry: Int
        var input: Double
        var output: Double
        /// Tokens that its prompt begins with and that a request of the same conversation had before; 0: it is the first.
        var prefix = 0.0
        /// -1: of none.
        var conversation = -1
        var isCounted: Bool
    }

    let study: RoutingStudy
    private(set) var sites: [InferenceSite] = []
    /// One-way seconds between sites.
    private(set) var paths: [[Double]] = []
    /// Seconds of work in a request, in the mean, by site.
    private(set) var meanWorks: [Double] = []
    /// Requests a second that each site can serve.
    private(set) var capacities: [Double] = []
    private(set) var requests: [Request] = []
    /// When each site dies; nil: never.
    private(set) var deaths: [Double?] = []
    /// When each site's jobs end, and when the next one serves.
    private(set) var jobs: [[(end: Double, start: Double)]] = []

    init(_ study: RoutingStudy, seed: UInt64) {
        self.study = study
        // Each has its own source, so that one may change and the rest stays.
        var random = SeededGenerator(seed: mix64(seed))
        drawSites(&random)
        random = SeededGenerator(seed: mix64(seed ^ 0xdea7))
        drawDeaths(&random)
        random = SeededGenerator(seed: mix64(seed ^ 0x4e9))
        drawRequests(&random)
        random = SeededGenerator(seed: mix64(seed ^ 0x70b5))
        drawJobs(&random)
    }

    private mutating func drawSites(_ random: inout SeededGenerator) {
        for group in study.sites {
            for _ in 0..<group.count {
                // Sizes are spread evenly over their magnitudes.
                let slots = exp(
                    log(group.slots.lowerBound) + random.unit() * log(group.slots.upperBound / group.slots.lowerBound))
                sites.append(
                    InferenceSite(
                        slots: max(1, Int(slots.rounded())), tokenSeconds: random.within(group.tokenSeconds),
                        prefillTokensPerSecond: random.within(group.prefillTokensPerSecond), slowdown: group.slowdown,
                        cacheTokens: group.cacheTokens))
            }
        }
        paths = Array(repeating: Array(repeating: 0, count: sites.count), count: sites.count)
        for a in sites.indices {
            for b in 0..<a {
                let path = random.within(study.roundTripSeconds) / 2
                paths[a][b] = path
                paths[b][a] = path
            }
        }
    }

    private mutating func drawDeaths(_ random: inout SeededGenerator) {
        deaths = Array(repeating: nil, count: sites.count)
        guard let model = study.deaths else { return }
        let count = Int((Double(sites.count) * model.share).rounded())
        for site in random.pick(count, of: Array(sites.indices)) {
            deaths[site] = model.atSeconds + random.unit() * model.withinSeconds
        }
    }

    private mutating func drawJobs(_ random: inout SeededGenerator) {
        jobs = Array(repeating: [], count: sites.count)
        guard let model = study.walltimes, let last = requests.last?.arrivedAt else { return }
        for site in sites.indices {
            // Its first job is somewhere in its midst.
            var end = random.within(model.jobSeconds) * random.unit()
            while end < last {
                let start = end + random.within(model.startSeconds)
                jobs[site].append((end, start))
                end = start + random.within(model.jobSeconds)
            }
        }
    }

    private mutating func drawRequests(_ random: inout SeededGenerator) {
        let total = study.requests + study.requests / 5
        // 1. How much a request is, and so how many can be served.
        var lengths: [(input: Double, output: Double)] = []
        for _ in 0..<total {
            lengths.append((study.workload.input.draw(&random), study.workload.output.draw(&random)))
        }
        let input = lengths.reduce(0) { $0 + $1.input } / Double(total)
        let output = lengths.reduce(0) { $0 + $1.output } / Double(total)
        meanWorks = sites.map { $0.work(input: input, output: output) }
        capacities = zip(sites, meanWorks).map { $0.capacity(meanWork: $1) }
        // 2. When they come, and where: sizes of sites and of their users have nothing to do with each other.
        var weights = sites.indices.map { 1 / pow(Double($0 + 1), study.skew) }
        weights.shuffle(using: &random)
        let rate = capacities.reduce(0, +) * study.load / weights.reduce(0, +)
        var arrivals = Arrivals(rates: weights.map { $0 * rate }, bursts: study.workload.bursts, &random)
        var conversations = Conversations(study.workload.prefixes)
        for index in 0..<total {
            let (at, site) = arrivals.next(&random)
            var request = Request(
                arrivedAt: at, entry: site, input: lengths[index].input, output: lengths[index].output,
                isCounted: index >= study.requests / 5)
            conversations.assign(&request, &random)
            request.entry = entry(request.entry, at, &random)
            requests.append(request)
        }
    }

    /// Users whose own node is dead come in at another's.
    private func entry(_ site: Int, _ at: Double, _ random: inout SeededGenerator) -> Int {
        func isDead(_ site: Int) -> Bool { deaths[site].map { $0 <= at } ?? false }
        guard isDead(site) else { return site }
        let alive = sites.indices.filter { !isDead($0) }
        return alive.isEmpty ? site : alive[Int.random(in: alive.indices, using: &random)]
    }
}

extension SeededGenerator {
    mutating func within(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }
}
