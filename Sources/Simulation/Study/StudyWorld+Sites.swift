import Routing

/// What happens at a site.
extension StudyWorld {
    func load(of site: Int) -> StudyLoad {
        StudyLoad(slots: sites[site].slots, running: sites[site].runningCount, waiting: sites[site].waitingCount, at: now)
    }

    mutating func reach(_ request: Int, _ site: Int, queues: Bool) {
        let path = setting.paths[setting.requests[request].entry][site]
        coming[site] -= 1
        if sites[site].isDown {
            lose(request, at: site)
        } else if sites[site].hasRoom {
            start(request, site)
        } else if queues {
            sites[site].wait(request)
        } else {
            return schedule(.refusal(site: site, load(of: site)), at: now + path, request: request)
        }
        show(site)
    }

    private mutating func start(_ request: Int, _ site: Int) {
        let drawn = setting.requests[request]
        var cached = 0.0
        if drawn.conversation >= 0 {
            cached = sites[site].cache.use(drawn.conversation, prefix: drawn.prefix)
            sites[site].cache.keep(drawn.conversation, tokens: drawn.input)
        }
        if drawn.isCounted {
            outcome.inputTokens += drawn.input
            outcome.cachedTokens += cached
        }
        let input = drawn.input - cached
        sites[site].start(request, work: sites[site].work(input: input, output: drawn.output), now: now)
        ways[request].startedAt = now
        schedule(
            .answers(site: site), at: now + input / sites[site].prefillTokensPerSecond, request: request,
            attempt: ways[request].attempt)
        plan(site)
    }

    mutating func answers(_ request: Int, at site: Int, attempt: Int) {
        guard attempt == ways[request].attempt, !sites[site].isDown else { return }
        let path = setting.paths[setting.requests[request].entry][site]
        schedule(.head(site: site, load(of: site)), at: now + path, request: request)
    }

    /// Notes when the site's first running request is done, as things are now.
    private mutating func plan(_ site: Int) {
        plans[site] += 1
        guard let end = sites[site].nextEnd else { return }
        schedule(.done(site: site), at: max(end, now), attempt: plans[site])
    }

    mutating func done(_ site: Int, plan mark: Int) {
        guard mark == plans[site], let request = sites[site].finish(now: now) else { return }
        let drawn = setting.requests[request]
        if drawn.conversation >= 0 {
            sites[site].cache.keep(drawn.conversation, tokens: drawn.input + drawn.output)
        }
        schedule(.end(site: site), at: now + setting.paths[drawn.entry][site], request: request)
        while let next = sites[site].next() { start(next, site) }
        plan(site)
        show(site)
    }

    /// A site knows its own load at every moment.
    mutating func show(_ site: Int) {
        views[site][site].set(
            slots: sites[site].slots, running: sites[site].runningCount, waiting: sites[site].waitingCount)
    }

    // MARK: - Ends

    /// The entry learns that a request has found nothing at a site, or was lost there.
    private mutating func lose(_ request: Int, at site: Int) {
        let path = setting.paths[setting.requests[request].entry][site]
        let isGone = setting.deaths[site].map { $0 <= now } ?? false
        let notice = isGone ? study.deaths?.noticedAfterSeconds ?? 0 : 0
        schedule(.broke(site: site), at: now + path + notice, request: request)
    }

    /// All that is there is lost.
    private mutating func stop(_ site: Int) {
        for request in sites[site].stop() {
            ways[request].attempt += 1
            lose(request, at: site)
        }
        plans[site] += 1
        show(site)
    }

    /// A site dies with its node: nobody is left there to tell its users anything.
    mutating func die(_ site: Int) {
        stop(site)
        for request in ways.indices where setting.requests[request].entry == site && !ways[request].isOver {
            if setting.requests[request].arrivedAt > now { break }
            finish(request)
            if setting.requests[request].isCounted { outcome.orphaned += 1 }
        }
        schedule(.known(site: site, .dead), at: now + (study.deaths?.knownAfterSeconds ?? 0))
    }

    /// Changes of state are told at once.
    mutating func endJob(_ site: Int) {
        guard standings[site] != .dead else { return }
        stop(site)
        know(site, .starting)
    }

    mutating func startJob(_ site: Int) {
        guard standings[site] != .dead, setting.deaths[site].map({ $0 > now }) ?? true else { return }
        sites[site].restart(now: now)
        know(site, .running)
    }
}
