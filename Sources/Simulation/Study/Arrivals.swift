import Gossip

/// When requests come, and at which site: each site's users for themselves, as a Poisson process or in bursts.
struct Arrivals {
    private struct Source {
        var rate: Double
        var isOn = true
        /// When it is on or off no longer.
        var changesAt = Double.infinity
        var nextAt = 0.0
    }

    private let bursts: Workload.Bursts?
    private var sources: [Source]

    /// - Parameter rates: requests a second of each site, in the mean over all time.
    init(rates: [Double], bursts: Workload.Bursts?, _ random: inout SeededGenerator) {
        self.bursts = bursts
        sources = rates.map { Source(rate: $0) }
        for index in sources.indices {
            if let bursts {
                sources[index].isOn = random.unit() * (bursts.onSeconds + bursts.offSeconds) < bursts.onSeconds
                sources[index].changesAt = length(sources[index], bursts, &random)
            }
            advance(index, &random)
        }
    }

    mutating func next(_ random: inout SeededGenerator) -> (at: Double, site: Int) {
        var first = 0
        for index in sources.indices where sources[index].nextAt < sources[first].nextAt { first = index }
        let at = sources[first].nextAt
        advance(first, &random)
        return (at, first)
    }

    private func length(_ source: Source, _ bursts: Workload.Bursts, _ random: inout SeededGenerator) -> Double {
        (source.isOn ? bursts.onSeconds : bursts.offSeconds) * random.exponential()
    }

    private mutating func advance(_ index: Int, _ random: inout SeededGenerator) {
        var source = sources[index]
        guard let bursts else {
            sources[index].nextAt += random.exponential() / source.rate
            return
        }
        let rate = source.rate * (bursts.onSeconds + bursts.offSeconds) / bursts.onSeconds
        while true {
            let step = source.isOn ? random.exponential() / rate : .infinity
            if source.nextAt + step <= source.changesAt {
                source.nextAt += step
                break
            }
            // What is left of an exponential time is one.
            source.nextAt = source.changesAt
            source.isOn.toggle()
            source.changesAt += length(source, bursts, &random)
        }
        sources[index] = source
    }
}
