import Gossip
import Routing

extension StudyWorld {
    /// Chooses a site and sends the request there.
    mutating func choose(_ request: Int) {
        let entry = requests[request].entry
        switch placement {
        case .best: follow(request)
        case .home: send(request, to: entry, queues: true)
        case .first: send(request, to: 0, queues: true)
        case .random: send(request, to: drawn(), queues: true)
        case .roundRobin:
            turn += 1
            var slot = turn % sites.reduce(0) { $0 + $1.slots }
            send(request, to: sites.indices.first { slot -= sites[$0].slots; return slot < 0 } ?? 0, queues: true)
        case .leastLoaded: send(request, to: least(sites.indices, entry), queues: true)
        case .powerOfTwo:
            let two = [drawn(), drawn()]
            send(request, to: least(two, entry), queues: true)
        case .loadInterpretation: send(request, to: interpreted(entry), queues: true)
        case .probing: send(request, to: probed(entry), queues: true)
        case .oracle: send(request, to: seen(entry), queues: true)
        }
    }

    /// The way that nodes go.
    private mutating func follow(_ request: Int) {
        let entry = requests[request].entry
        guard
            let step = requests[request].journey.next(
                choice, candidates[entry], for: needs, now: moment(now), random: &random)
        else { return send(request, to: entry, queues: true) }
        send(request, to: step.index, queues: step.queues)
    }

    /// One by its size.
    private mutating func drawn() -> Int {
        var slot = Int.random(in: 0..<sites.reduce(0) { $0 + $1.slots }, using: &random)
        return sites.indices.first { slot -= sites[$0].slots; return slot < 0 } ?? 0
    }

    /// By what gossip last said; in a tie at random.
    private mutating func least(_ among: some Sequence<Int>, _ entry: Int) -> Int {
        var best = entry
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
    private mutating func interpreted(_ entry: Int) -> Int {
        let capacity = sites.reduce(0) { $0 + $1.capacity(meanWork: meanWork) }
        let arrivals = capacity * study.load * (study.view.everySeconds / 2 + study.view.delaySeconds)
        var loads: [(site: Int, load: Double, slots: Double)] = []
        for site in sites.indices {
            let load = views[entry][site].sample()
            loads.append((site, Double(load.running + load.waiting), Double(sites[site].slots)))
        }
        loads.sort { $0.load / $0.slots < $1.load / $1.slots }
        // The level that so many arrivals would fill the emptiest up to.
        var room = arrivals
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
        return loads[0].site
    }

    /// Three probes, fresh but for the way back, of which the coldest and nearest is taken.
    private mutating func probed(_ entry: Int) -> Int {
        let probed = [drawn(), drawn(), drawn()]
        return probed.min { a, b in
            let loads = [a, b].map { Double(sites[$0].runningCount + sites[$0].waitingCount) / Double(sites[$0].slots) }
            // Hot ones by their load, cold ones by their distance.
            if loads[0] >= 1 || loads[1] >= 1 { return loads[0] < loads[1] }
            return paths[entry][a] < paths[entry][b]
        } ?? entry
    }

    private func seen(_ entry: Int) -> Int {
        sites.indices.min { a, b in cost(entry, a) < cost(entry, b) } ?? entry
    }

    private func cost(_ entry: Int, _ site: Int) -> Double {
        sites[site].expectedWait(meanWork: meanWork, coming: coming[site]) + 2 * paths[entry][site]
    }
}
