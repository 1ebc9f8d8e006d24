import Gossip
import Routing

/// What happens at the node where a request came in.
extension StudyWorld {
    mutating func arrive(_ request: Int) {
        if request + 1 < ways.count {
            schedule(.arrival, at: setting.requests[request + 1].arrivedAt, request: request + 1)
        }
        choose(request)
    }

    /// Sends a request to a site, which may be the entry itself.
    mutating func send(_ request: Int, to site: Int, queues: Bool) {
        let entry = setting.requests[request].entry
        if site != entry { views[entry][site].began(now: moment(now)) }
        coming[site] += 1
        ways[request].attempt += 1
        schedule(.reach(site: site, queues: queues), at: now + setting.paths[entry][site], request: request)
    }

    /// Nothing is left to try: its user is told so.
    mutating func fail(_ request: Int) {
        finish(request)
        if setting.requests[request].isCounted { outcome.failures += 1 }
    }

    mutating func finish(_ request: Int) {
        ways[request].isOver = true
        left -= 1
    }

    mutating func refused(_ request: Int, by site: Int, _ load: StudyLoad) {
        guard !ways[request].isOver else { return }
        let entry = setting.requests[request].entry
        if setting.requests[request].isCounted { outcome.refusals += 1 }
        if site != entry {
            learn(entry, site, load)
            views[entry][site].ended(reported: false)
            views[entry][site].refused(now: moment(now))
        }
        ways[request].journey.refused(site)
        choose(request)
    }

    mutating func headCame(_ request: Int, from site: Int, _ load: StudyLoad) {
        guard !ways[request].isOver else { return }
        let entry = setting.requests[request].entry
        ways[request].isAnswered = true
        if placement == .best { affinities[entry].served(affinity(request), by: candidates[entry][site].tag) }
        guard site != entry else { return }
        learn(entry, site, load)
        views[entry][site].succeeded(now: moment(now))
    }

    mutating func ended(_ request: Int, at site: Int) {
        guard !ways[request].isOver else { return }
        let drawn = setting.requests[request]
        if site != drawn.entry { views[drawn.entry][site].ended(reported: ways[request].isAnswered) }
        finish(request)
        guard drawn.isCounted else { return }
        outcome.waits.append(ways[request].startedAt + setting.paths[drawn.entry][site] - drawn.arrivedAt)
        outcome.completions.append(now - drawn.arrivedAt)
        if site != drawn.entry { outcome.awayFromHome += 1 }
    }

    /// Before the first byte another site is tried; after it, the user is told that the answer broke off.
    mutating func broke(_ request: Int, at site: Int) {
        guard !ways[request].isOver else { return }
        let entry = setting.requests[request].entry
        if site != entry {
            views[entry][site].ended(reported: ways[request].isAnswered)
            views[entry][site].failed(now: moment(now))
        }
        if ways[request].isAnswered {
            finish(request)
            if setting.requests[request].isCounted { outcome.interrupted += 1 }
        } else {
            ways[request].journey.failed(site)
            choose(request)
        }
    }

    // MARK: - Views

    mutating func report(_ site: Int) {
        guard !sites[site].isDown else {
            // It tells nothing until it is back.
            return schedule(.report(site: site), at: now + view)
        }
        schedule(.heard(site: site, load(of: site)), at: now + study.viewDelaySeconds)
        schedule(.report(site: site), at: now + view)
    }

    mutating func heard(_ site: Int, _ load: StudyLoad) {
        for entry in sites.indices where entry != site {
            views[entry][site].update(
                slots: load.slots, running: load.running, waiting: load.waiting, now: moment(load.at))
        }
    }

    /// Answers and refusals carry the site's load; other ways to choose know nothing of that.
    private func learn(_ entry: Int, _ site: Int, _ load: StudyLoad) {
        guard placement == .best else { return }
        views[entry][site].update(slots: load.slots, running: load.running, waiting: load.waiting, now: moment(load.at))
    }

    /// Everybody is told of a site's state.
    mutating func know(_ site: Int, _ standing: StudyStanding) {
        guard standings[site] != .dead else { return }
        if standing == .draining, sites[site].isDown { return }
        standings[site] = standing
        for entry in sites.indices { candidates[entry][site] = candidate(site, for: entry) }
        tellJob(of: site)
    }

    /// When a site's job ends is known from its start.
    func tellJob(of site: Int) {
        let end = setting.jobs[site].first { $0.end > now }?.end
        let speed = 1 / (sites[site].tokenSeconds * (1 + sites[site].slowdown))
        for entry in sites.indices {
            views[entry][site].learn(walltimeEnds: end.map { moment($0) }, tokensPerSecond: speed)
        }
    }

    /// What a node knows of a request from its head and body.
    func needs(of request: Int) -> RequestNeeds {
        var needs = RequestNeeds(model: Self.model)
        needs.promptTokens = Int(setting.requests[request].input)
        needs.answerTokens = Self.usualAnswerTokens
        needs.affinity = affinity(request)
        if needs.affinity != 0 {
            needs.servedBy = affinities[setting.requests[request].entry].place(of: needs.affinity)
        }
        return needs
    }

    /// All turns of a conversation begin alike.
    private func affinity(_ request: Int) -> UInt64 {
        let conversation = setting.requests[request].conversation
        return conversation < 0 ? 0 : mix64(UInt64(conversation) + 1) | 1 << 63
    }

    /// What nodes take an answer for whose request sets no limit.
    private static let usualAnswerTokens = 512

    func candidate(_ site: Int, for entry: Int) -> Candidate {
        let standing = standings[site]
        return Candidate(
            node: NodeID(site: "s\(site)", node: "n1"), isLocal: site == entry,
            nodeState: standing == .dead ? .dead : .alive, isDraining: standing == .draining,
            variant: Variant(id: Self.model, state: standing == .starting ? .starting : .running, backend: "simulated"),
            load: views[entry][site])
    }

    static let model = "model"
}
