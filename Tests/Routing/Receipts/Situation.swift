import Gossip

@testable import Routing

/// A request among candidates in any state, drawn from a seed, and what becomes of it.
struct Situation {
    private var random: SplitMix64
    var candidates: [Candidate] = []
    var needs = RequestNeeds(model: "m")
    var now: UInt64
    let choice: Choice

    init(seed: UInt64) {
        random = SplitMix64(seed: seed &* 0x9e37_79b9_7f4a_7c15)
        now = random.next() % 1_000_000_000_000 + 400_000_000_000
        var settings = Choice.Settings()
        if seed % 3 == 0 {
            settings.failureRest = random.next() % 10_000_000_000
            settings.refusalSeconds = Double.random(in: 0...1, using: &random)
            settings.meanServiceSeconds = Double.random(in: 0.1...30, using: &random)
        }
        choice = Choice(settings: settings)
        let count = Int(random.next() % (seed % 10 == 0 ? 64 : 12)) + 1
        let local = Int(random.next() % 16)
        for index in 0..<count { candidates.append(candidate(index, isLocal: index == local)) }
        let sites = candidates.map(\.node.siteName)
        switch random.next() % 8 {
        case 0: needs.sites = [sites[Int(random.next() % UInt64(count))]]
        case 1: needs.sites = Array(sites.prefix(3))
        default: break
        }
        if random.next() % 6 == 0 { needs.contextTokens = 3000 }
        if random.next() % 10 == 0 { needs.revision = "r1" }
        if random.next() % 10 == 0 { needs.variant = VariantKey(of: candidates[0].variant) }
        if random.next() % 2 == 0 {
            needs.promptTokens = Int(random.next() % 30_000)
            needs.answerTokens = Int(random.next() % 3000)
            needs.affinity = random.next()
            needs.servedBy = random.next() % 2 == 0 ? candidates[Int(random.next() % UInt64(count))].tag : 0
        }
        if random.next() % 3 == 0 {
            needs.policy = RoutingPolicy.allCases[Int(random.next() % UInt64(RoutingPolicy.allCases.count))]
            if needs.policy == .pinned { needs.order = Array(sites.shuffled(using: &random).prefix(4)) }
        }
    }

    private mutating func candidate(_ index: Int, isLocal: Bool) -> Candidate {
        let federation = !isLocal && random.next() % 8 == 0 ? "others" : nil
        var variant = Variant(id: "m", state: random.next() % 10 == 0 ? .starting : .running, backend: "openai")
        if random.next() % 2 == 0 { variant.contextTokens = .observed(random.next() % 2 == 0 ? 2048 : 8192) }
        if random.next() % 2 == 0 { variant.revision = .declared("r1") }
        let states: [NodeState] = [.alive, .alive, .alive, .alive, .suspect, .unreachable, .dead, .left]
        let candidate = Candidate(
            node: NodeID(federation: federation, site: "s\(index / 2)", node: "n\(index)"), isLocal: isLocal,
            nodeState: isLocal ? .alive : states[Int(random.next() % 8)], isDraining: random.next() % 12 == 0,
            variant: variant, load: LiveLoad())
        if random.next() % 10 != 0 { hear(candidate) }
        if random.next() % 3 == 0 { candidate.load.setRoundTrip(seconds: Double.random(in: 0...0.3, using: &random)) }
        if random.next() % 8 == 0 {
            for _ in 0...(random.next() % 4) { candidate.load.failed(now: now - random.next() % 5_000_000_000) }
            if random.next() % 2 == 0 { candidate.load.succeeded(now: now - random.next() % 40_000_000_000) }
        }
        if random.next() % 6 == 0 {
            candidate.load.firstByte.add(
                seconds: Double.random(in: 0...20, using: &random), promptTokens: Int(random.next() % 9000),
                now: now - random.next() % 60_000_000_000)
        }
        if random.next() % 6 == 0 {
            candidate.load.learn(
                walltimeEnds: now + random.next() % 300_000_000_000,
                tokensPerSecond: random.next() % 2 == 0 ? nil : Double.random(in: 1...90, using: &random))
        }
        return candidate
    }

    private mutating func hear(_ candidate: Candidate) {
        let slots = Int(random.next() % 40)
        let running = Int(random.next() % UInt64(slots + 3))
        let waiting = running >= slots ? Int(random.next() % 9) : 0
        if candidate.isLocal {
            candidate.load.set(slots: slots, running: running, waiting: waiting)
        } else {
            for _ in 0...(random.next() % 3) {
                let at = now - random.next() % 120_000_000_000
                candidate.load.update(
                    slots: slots, running: running, waiting: waiting, now: max(at, candidate.load.sample().heard))
            }
        }
        for _ in 0..<(random.next() % 3) { candidate.load.began(now: now - random.next() % 9_000_000_000) }
    }

    /// The request's way to its end, as the router would go it, with other requests in between.
    mutating func run() -> ReceiptTrail {
        var trail = ReceiptTrail()
        trail.begin(
            requestID: "req_\(random.next())", user: "alice@example.org", entry: NodeID(site: "s0", node: "n0"),
            needs: needs,
            candidates: candidates, at: (random.next() % 2_000_000_000_000) * 1_000_000, now: now)
        var journey = Journey()
        while let step = trail.next(&journey, choice, for: needs, now: now, random: &random) {
            trail.tries += 1
            trail.site = candidates[step.index].node.siteName
            trail.reason = step.reason
            now += random.next() % 3_000_000_000
            let end: Attempt =
                switch random.next() % 4 {
                case 0: .answered
                case 1: .failed(RoutingFailure(.unreachable, status: 502, "site \(trail.site ?? "") answers \"no\""))
                default: .refused(retryAfterSeconds: 1)
                }
            trail.ended(end, now: now)
            switch end {
            case .answered:
                trail.outcome = "answered"
                return trail
            case .refused where !step.queues:
                trail.bounces += 1
                journey.refused(step.index)
                hear(candidates[step.index])
            default:
                journey.failed(step.index)
                candidates[step.index].load.failed(now: now)
            }
            let other = candidates[Int(random.next() % UInt64(candidates.count))]
            hear(other)
        }
        trail.outcome = "failed: nothing was left"
        // A few go on, among others and anew: after a cold start, or with a broken answer.
        if random.next() % 3 == 0 {
            let others = Array(candidates.shuffled(using: &random).prefix(Int(random.next() % 5) + 1))
            trail.goesOn(among: others)
            var second = Journey()
            while let step = trail.next(&second, choice, for: needs, now: now, random: &random), trail.tries < 12 {
                trail.tries += 1
                trail.ended(.failed(RoutingFailure(.unreachable, status: 502, "again")), now: now)
                second.failed(step.index)
            }
        }
        return trail
    }
}
