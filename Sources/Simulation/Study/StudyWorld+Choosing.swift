import Gossip
import Routing

extension StudyWorld {
    /// Chooses a site and sends the request there.
    mutating func choose(_ request: Int) {
        if placement == .best { return follow(request) }
        let entry = setting.requests[request].entry
        let failures = ways[request].journey.failed.nonzeroBitCount
        guard failures <= ways[request].journey.limits.failovers, let site = place(request, entry) else {
            return fail(request)
        }
        send(request, to: site, queues: true)
    }

    /// The way that nodes go.
    private mutating func follow(_ request: Int) {
        let entry = setting.requests[request].entry
        guard
            let step = ways[request].journey.next(
                choice, candidates[entry], for: needs(of: request), now: moment(now), random: &random)
        else { return fail(request) }
        send(request, to: step.index, queues: step.queues)
    }

    private mutating func place(_ request: Int, _ entry: Int) -> Int? {
        let failed = ways[request].journey.failed
        switch placement {
        case .best: return nil
        case .home:
            // Its own users are served to the end.
            return isOpen(entry, failed) || standings[entry] == .draining ? entry : nil
        case .first: return sites.indices.first { isOpen($0, failed) }
        case .random: return drawn(failed)
        case .roundRobin: return nextInTurn(failed)
        case .leastLoaded: return least(sites.indices.filter { isOpen($0, failed) }, entry)
        case .powerOfTwo: return least([drawn(failed), drawn(failed)].compactMap { $0 }, entry)
        case .loadInterpretation: return interpreted(entry, failed)
        case .probing: return probed(entry, failed)
        case .oracle: return seen(entry, failed)
        }
    }

    /// Whether it may be chosen, as far as is known.
    private func isOpen(_ site: Int, _ failed: UInt64) -> Bool {
        standings[site] == .running && failed & (1 << UInt64(site)) == 0
    }

    /// One by what it can serve.
    private mutating func drawn(_ failed: UInt64) -> Int? {
        var point = random.unit() * sites.indices.reduce(0) { $0 + (isOpen($1, failed) ? setting.capacities[$1] : 0) }
        var last: Int?
        for site in sites.indices where isOpen(site, failed) {
            last = site
            point -= setting.capacities[site]
            if point < 0 { break }
        }
        return last
    }

    /// The one that has been passed over the most, for what it can serve (nginx's smooth weighted round robin).
    private mutating func nextInTurn(_ failed: UInt64) -> Int? {
        var next: Int?
        var all = 0.0
        for site in sites.indices where isOpen(site, failed) {
            turns[site] += setting.capacities[site]
            all += setting.capacities[site]
            if turns[site] > next.map({ turns[$0] }) ?? -.infinity { next = site }
        }
        if let next { turns[next] -= all }
        return next
    }

    /// By what gossip last said; in a tie at random.
    private mutating func least(_ among: [Int], _ entry: Int) -> Int? {
        var best: Int?
        var bestLoad = Double.infinity
        var ties = 0
        for site in among {
            let load = views[entry][site].sample()
            let part = Double(load.running + load.waiting) / Double(max(load.slots, 1))
            if part < bestLoad {
                best = site
                bestLoad = part
                ties = 1
            } else if part == bestLoad {
                ties += 1
                if Int.random(in: 0..<ties, using: &random) == 0 { best = site }
            }
        }
        return best
    }

    /// Load levelling: as likely as it takes to bring all to one level in the time that the views are old.
    private mutating func interpreted(_ entry: Int, _ failed: UInt64) -> Int? {
        var room = setting.capacities.reduce(0, +) * study.load * (view / 2 + study.viewDelaySeconds)
        var loads: [(site: Int, load: Double, slots: Double)] = []
        for site in sites.indices where isOpen(site, failed) {
            let load = views[entry][site].sample()
            loads.append((site, Double(load.running + load.waiting), Double(sites[site].slots)))
        }
        loads.sort { $0.load / $0.slots < $1.load / $1.slots }
        // The level that so many arrivals would fill the emptiest up to.
        var level = 0.0
        var slots = 0.0
        for (index, one) in loads.enumerated() {
            slots += one.slots
            level = one.load / one.slots
            let next = index + 1 < loads.count ? loads[index + 1].load / loads[index + 1].slots : .infinity
            if (next - level) * slots >= room {
                level += room / slots
                break
            }
            room -= (next - level) * slots
            level = next
        }
        let shares = loads.map { max(level * $0.slots - $0.load, 0) }
        var point = random.unit() * shares.reduce(0, +)
        for (index, share) in shares.enumerated() {
            point -= share
            if point < 0 { return loads[index].site }
        }
        return loads.first?.site
    }

    /// Three probes, fresh but for the way back, of which the coldest and nearest is taken.
    private mutating func probed(_ entry: Int, _ failed: UInt64) -> Int? {
        func load(_ site: Int) -> Double {
            Double(sites[site].runningCount + sites[site].waitingCount) / Double(sites[site].slots)
        }
        let probed = [drawn(failed), drawn(failed), drawn(failed)].compactMap { $0 }
        // A dead one does not answer.
        return
            (probed.filter { !sites[$0].isDown }.min { a, b in
                // Hot ones by their load, cold ones by their distance.
                let (loadA, loadB) = (load(a), load(b))
                if loadA >= 1 || loadB >= 1 { return loadA < loadB }
                return setting.paths[entry][a] < setting.paths[entry][b]
            }) ?? probed.first
    }

    private func seen(_ entry: Int, _ failed: UInt64) -> Int? {
        sites.indices.filter { !sites[$0].isDown && isOpen($0, failed) }.min { cost(entry, $0) < cost(entry, $1) }
    }

    private func cost(_ entry: Int, _ site: Int) -> Double {
        sites[site].expectedWait(meanWork: setting.meanWorks[site], coming: coming[site]) + 2 * setting.paths[entry][site]
    }
}
