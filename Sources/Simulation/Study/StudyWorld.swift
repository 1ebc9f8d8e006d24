import Glibc
import Gossip
import Routing

/// One run of a study: sites and requests drawn from a seed, and one way to choose between them.
struct StudyWorld {
    /// A user's request.
    struct Request {
        var arrivedAt: Double
        var entry: Int
        var work: Double
        var journey = Journey()
        var isCounted: Bool
        var site = -1
        var startedAt = 0.0
        var isReported = false
    }

    /// What is due at a moment.
    struct Happening: Comparable {
        enum Kind {
            case arrival
            /// A request has reached a site.
            case reach(site: Int, queues: Bool)
            /// The site's refusal has reached the entry, with the site's load as of then.
            case refusal(site: Int, LoadCount)
            /// The head of an answer has.
            case head(site: Int, LoadCount)
            case done(site: Int)
            /// The end of an answer has reached the entry.
            case end(site: Int)
            /// A site tells its load.
            case report(site: Int)
            case heard(site: Int, LoadCount)
        }

        var at: Double
        var order: Int
        var kind: Kind
        var request: Int

        static func < (a: Happening, b: Happening) -> Bool { a.at == b.at ? a.order < b.order : a.at < b.at }
        static func == (a: Happening, b: Happening) -> Bool { a.order == b.order }
    }

    struct LoadCount {
        var slots: Int
        var running: Int
        var waiting: Int
        var at: Double
    }

    let study: RoutingStudy
    let placement: RoutingStudy.Placement
    var sites: [InferenceSite] = []
    /// One-way seconds between sites.
    var paths: [[Double]] = []
    var meanWork = 0.0
    var requests: [Request] = []
    var agenda = Heap<Happening>()
    var made = 0
    var now = 0.0
    var random: SeededGenerator
    /// Which `done` of a site is still true.
    var ends: [Int]
    var left = 0
    var turn = 0
    /// Requests on their way to each site.
    var coming: [Int] = []
    var refusals = 0
    /// By entry, then by site.
    var views: [[LiveLoad]] = []
    var candidates: [[Candidate]] = []
    let choice = Choice()
    let needs = RequestNeeds(model: "model")
    var outcome = StudyOutcome()

    init(_ study: RoutingStudy, _ placement: RoutingStudy.Placement, seed: UInt64) {
        self.study = study
        self.placement = placement
        random = SeededGenerator(seed: mix64(seed))
        ends = []
        drawSites()
        drawRequests()
        // Its choices take nothing from what sites and requests were drawn with.
        random = SeededGenerator(seed: mix64(seed ^ 0x5157))
        prepareViews()
    }

    private mutating func drawSites() {
        for group in study.sites {
            for _ in 0..<group.count {
                // Sizes are spread evenly over their magnitudes.
                let slots = exp(
                    log(group.slots.lowerBound) + random.unit() * log(group.slots.upperBound / group.slots.lowerBound))
                sites.append(
                    InferenceSite(
                        slots: max(1, Int(slots.rounded())), tokenSeconds: random.within(group.tokenSeconds),
                        prefillTokensPerSecond: random.within(group.prefillTokensPerSecond), slowdown: group.slowdown))
            }
        }
        ends = Array(repeating: 0, count: sites.count)
        coming = ends
        paths = Array(repeating: Array(repeating: 0, count: sites.count), count: sites.count)
        for a in sites.indices {
            for b in 0..<a {
                let path = random.within(study.roundTripSeconds) / 2
                paths[a][b] = path
                paths[b][a] = path
            }
        }
    }

    private mutating func drawRequests() {
        // 1. How much a request is, and so how many can be served.
        let total = study.requests + study.requests / 5
        var lengths: [(input: Double, output: Double)] = []
        for _ in 0..<total {
            lengths.append((study.workload.input.draw(&random), study.workload.output.draw(&random)))
        }
        let input = lengths.reduce(0) { $0 + $1.input } / Double(total)
        let output = lengths.reduce(0) { $0 + $1.output } / Double(total)
        let capacity = sites.reduce(0) { $0 + $1.capacity(meanWork: $1.work(input: input, output: output)) }
        let rate = capacity * study.load
        meanWork = sites.reduce(0) { $0 + $1.work(input: input, output: output) } / Double(sites.count)
        // 2. Where they come in: sizes of sites and of their users have nothing to do with each other.
        var weights = sites.indices.map { 1 / pow(Double($0 + 1), study.skew) }
        weights.shuffle(using: &random)
        let weight = weights.reduce(0, +)
        // 3. When.
        var at = 0.0
        var isOn = true
        var changesAt = study.workload.bursts.map { $0.onSeconds * random.exponential() } ?? .infinity
        for index in 0..<total {
            var gap = random.exponential()
            if let bursts = study.workload.bursts {
                let onRate = rate * (bursts.onSeconds + bursts.offSeconds) / bursts.onSeconds
                while true {
                    let step = isOn ? gap / onRate : .infinity
                    if at + step <= changesAt {
                        at += step
                        break
                    }
                    if isOn { gap -= (changesAt - at) * onRate }
                    at = changesAt
                    isOn.toggle()
                    changesAt = at + (isOn ? bursts.onSeconds : bursts.offSeconds) * random.exponential()
                }
            } else {
                at += gap / rate
            }
            var point = random.unit() * weight
            var entry = sites.count - 1
            for (site, share) in weights.enumerated() {
                point -= share
                if point < 0 {
                    entry = site
                    break
                }
            }
            requests.append(
                Request(arrivedAt: at, entry: entry, work: 0, isCounted: index >= study.requests / 5))
            requests[index].work = 0
            works.append(lengths[index])
        }
        left = total
    }

    /// Tokens of each request.
    var works: [(input: Double, output: Double)] = []

    private mutating func prepareViews() {
        let variant = StudyWorld.variant
        for entry in sites.indices {
            views.append(sites.map { _ in LiveLoad() })
            candidates.append(
                sites.indices.map { site in
                    Candidate(
                        node: NodeID(site: "s\(site)", node: "n1"), isLocal: site == entry, nodeState: .alive,
                        isDraining: false, variant: variant, load: views[entry][site])
                })
            for site in sites.indices { views[entry][site].setRoundTrip(seconds: 2 * paths[entry][site]) }
            views[entry][entry].set(slots: sites[entry].slots, running: 0, waiting: 0)
        }
        for site in sites.indices {
            schedule(.report(site: site), at: random.unit() * study.view.everySeconds)
        }
        if !requests.isEmpty { schedule(.arrival, at: requests[0].arrivedAt, request: 0) }
    }

    mutating func schedule(_ kind: Happening.Kind, at: Double, request: Int = -1) {
        agenda.push(Happening(at: at, order: made, kind: kind, request: request))
        made += 1
    }

    mutating func run() -> StudyOutcome {
        while left > 0, let next = agenda.pop() {
            now = next.at
            switch next.kind {
            case .arrival: arrive(next.request)
            case .reach(let site, let queues): reach(next.request, site, queues: queues)
            case .refusal(let site, let load): refused(next.request, by: site, load)
            case .head(let site, let load): headCame(next.request, from: site, load)
            case .done(let site): done(site, next.request)
            case .end(let site): ended(next.request, at: site)
            case .report(let site): report(site)
            case .heard(let site, let load): heard(site, load)
            }
        }
        outcome.refusals = refusals
        outcome.waits.sort()
        outcome.completions.sort()
        return outcome
    }

    // MARK: - At a site

    func count(_ site: Int) -> LoadCount {
        LoadCount(slots: sites[site].slots, running: sites[site].runningCount, waiting: sites[site].waitingCount, at: now)
    }

    private mutating func arrive(_ request: Int) {
        if request + 1 < requests.count { schedule(.arrival, at: requests[request + 1].arrivedAt, request: request + 1) }
        choose(request)
    }

    /// Sends a request to a site, which may be the entry itself.
    mutating func send(_ request: Int, to site: Int, queues: Bool) {
        let entry = requests[request].entry
        if site != entry { views[entry][site].began() }
        coming[site] += 1
        schedule(.reach(site: site, queues: queues), at: now + paths[entry][site], request: request)
    }

    private mutating func reach(_ request: Int, _ site: Int, queues: Bool) {
        let entry = requests[request].entry
        coming[site] -= 1
        if sites[site].hasRoom {
            start(request, site)
        } else if queues {
            sites[site].wait(request)
        } else {
            return schedule(.refusal(site: site, count(site)), at: now + paths[entry][site], request: request)
        }
        show(site)
    }

    private mutating func start(_ request: Int, _ site: Int) {
        let entry = requests[request].entry
        let length = works[request]
        sites[site].start(request, work: sites[site].work(input: length.input, output: length.output), now: now)
        requests[request].site = site
        requests[request].startedAt = now
        let prefill = length.input / sites[site].prefillTokensPerSecond
        schedule(.head(site: site, count(site)), at: now + prefill + paths[entry][site], request: request)
        plan(site)
    }

    /// Notes when the site's first running request is done, as things are now.
    private mutating func plan(_ site: Int) {
        ends[site] += 1
        guard let end = sites[site].nextEnd else { return }
        schedule(.done(site: site), at: max(end, now), request: ends[site])
    }

    private mutating func done(_ site: Int, _ mark: Int) {
        guard mark == ends[site], let request = sites[site].finish(now: now) else { return }
        let entry = requests[request].entry
        schedule(.end(site: site), at: now + paths[entry][site], request: request)
        while let next = sites[site].next() { start(next, site) }
        plan(site)
        show(site)
    }

    /// A site knows its own load at every moment.
    private mutating func show(_ site: Int) {
        views[site][site].set(
            slots: sites[site].slots, running: sites[site].runningCount, waiting: sites[site].waitingCount)
    }

    // MARK: - At the entry

    private mutating func refused(_ request: Int, by site: Int, _ load: LoadCount) {
        let entry = requests[request].entry
        if requests[request].isCounted { refusals += 1 }
        if site != entry {
            learn(entry, site, load)
            views[entry][site].ended(reported: false)
        }
        requests[request].journey.refused(site)
        choose(request)
    }

    private mutating func headCame(_ request: Int, from site: Int, _ load: LoadCount) {
        let entry = requests[request].entry
        guard site != entry else { return }
        learn(entry, site, load)
        requests[request].isReported = true
    }

    private mutating func ended(_ request: Int, at site: Int) {
        let one = requests[request]
        if site != one.entry { views[one.entry][site].ended(reported: one.isReported) }
        left -= 1
        guard one.isCounted else { return }
        outcome.waits.append(one.startedAt + paths[one.entry][site] - one.arrivedAt)
        outcome.completions.append(now - one.arrivedAt)
        if site != one.entry { outcome.awayFromHome += 1 }
    }

    private mutating func report(_ site: Int) {
        schedule(.heard(site: site, count(site)), at: now + study.view.delaySeconds)
        schedule(.report(site: site), at: now + study.view.everySeconds)
    }

    private mutating func heard(_ site: Int, _ load: LoadCount) {
        for entry in sites.indices where entry != site {
            views[entry][site].update(
                slots: load.slots, running: load.running, waiting: load.waiting, now: moment(load.at))
        }
    }

    private mutating func learn(_ entry: Int, _ site: Int, _ load: LoadCount) {
        guard placement == .best else { return }
        views[entry][site].update(slots: load.slots, running: load.running, waiting: load.waiting, now: moment(load.at))
    }

    /// As the choice counts time; never 0, which is never.
    func moment(_ seconds: Double) -> UInt64 { 1_000_000_000 + UInt64(seconds * 1e9) }

    static let variant: Variant = Variant(id: "model", state: .running, backend: "simulated")
}

extension SeededGenerator {
    mutating func within(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }
}
