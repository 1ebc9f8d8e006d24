import Gossip
import Routing

/// One run of a study: sites and requests drawn from a seed, and one way to choose between them.
struct StudyWorld {
    /// The way of a user's request.
    struct Way {
        var journey = Journey()
        /// How often it was sent.
        var attempt = 0
        var startedAt = 0.0
        /// The first byte has reached the entry.
        var isAnswered = false
        var isOver = false
    }

    let study: RoutingStudy
    let placement: RoutingStudy.Placement
    /// Seconds between two reports of a site.
    let view: Double
    let setting: StudySetting
    var sites: [InferenceSite]
    var ways: [Way]
    var agenda = Heap<StudyHappening>()
    var made = 0
    var now = 0.0
    /// For the choices alone.
    var random: SeededGenerator
    /// Which plan of a site's next end is the last.
    var plans: [Int]
    /// Requests on their way to each site.
    var coming: [Int]
    var left: Int
    /// Of `roundRobin`: how much each site is due.
    var turns: [Double]
    /// What is known of the sites by all.
    var standings: [StudyStanding]
    /// By entry, then by site.
    var views: [[LiveLoad]] = []
    var candidates: [[Candidate]] = []
    /// Where prompts that begin alike were served, by entry.
    var affinities: [AffinityTable] = []
    let choice = Choice()
    var outcome = StudyOutcome()

    init(_ study: RoutingStudy, _ placement: RoutingStudy.Placement, view: Double, seed: UInt64) {
        self.study = study
        self.placement = placement
        self.view = view
        setting = StudySetting(study, seed: seed)
        sites = setting.sites
        ways = Array(repeating: Way(), count: setting.requests.count)
        plans = Array(repeating: 0, count: sites.count)
        coming = plans
        left = ways.count
        turns = Array(repeating: 0, count: sites.count)
        standings = Array(repeating: .running, count: sites.count)
        random = SeededGenerator(seed: mix64(seed ^ 0x5157))
        prepareViews()
        prepareAgenda(seed)
    }

    private mutating func prepareViews() {
        for entry in sites.indices {
            views.append(sites.map { _ in LiveLoad() })
            candidates.append([])
            if placement == .best { affinities.append(AffinityTable(count: 4096)) }
            for site in sites.indices {
                if site != entry { views[entry][site].setRoundTrip(seconds: 2 * setting.paths[entry][site]) }
                candidates[entry].append(candidate(site, for: entry))
            }
            show(entry)
        }
        for site in sites.indices { tellJob(of: site) }
    }

    private mutating func prepareAgenda(_ seed: UInt64) {
        var random = SeededGenerator(seed: mix64(seed ^ 0x71e3))
        for site in sites.indices {
            schedule(.report(site: site), at: random.unit() * view)
            if let at = setting.deaths[site] { schedule(.death(site: site), at: at) }
            for job in setting.jobs[site] {
                if let drain = study.walltimes?.drainSeconds, drain > 0 {
                    schedule(.known(site: site, .draining), at: max(job.end - drain, 0))
                }
                schedule(.jobEnd(site: site), at: job.end)
                schedule(.jobStart(site: site), at: job.start)
            }
        }
        if let first = setting.requests.first { schedule(.arrival, at: first.arrivedAt, request: 0) }
    }

    mutating func schedule(_ kind: StudyHappening.Kind, at: Double, request: Int = -1, attempt: Int = 0) {
        agenda.push(StudyHappening(at: at, order: made, kind: kind, request: request, attempt: attempt))
        made += 1
    }

    mutating func run() -> StudyOutcome {
        while left > 0, let next = agenda.pop() {
            now = next.at
            switch next.kind {
            case .arrival: arrive(next.request)
            case .reach(let site, let queues): reach(next.request, site, queues: queues)
            case .refusal(let site, let load): refused(next.request, by: site, load)
            case .answers(let site): answers(next.request, at: site, attempt: next.attempt)
            case .head(let site, let load): headCame(next.request, from: site, load)
            case .done(let site): done(site, plan: next.attempt)
            case .end(let site): ended(next.request, at: site)
            case .broke(let site): broke(next.request, at: site)
            case .report(let site): report(site)
            case .heard(let site, let load): heard(site, load)
            case .death(let site): die(site)
            case .jobEnd(let site): endJob(site)
            case .jobStart(let site): startJob(site)
            case .known(let site, let standing): know(site, standing)
            }
        }
        outcome.waits.sort()
        outcome.completions.sort()
        return outcome
    }

    /// As the choice counts time; never 0, which is never.
    func moment(_ seconds: Double) -> UInt64 { 1_000_000_000 + UInt64(seconds * 1e9) }
}
