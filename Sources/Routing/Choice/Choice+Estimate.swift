/// What is thought of candidates: from what was heard of them, how long ago, and how they have done since.
extension Choice {
    /// Whether a candidate is passed over for its failures. After its rest one request at a time finds out whether it is back.
    func isResting(_ load: LiveLoad.Sample, now: UInt64) -> Bool {
        guard load.failed != 0 else { return false }
        let rest = min(settings.failureRest << UInt64(min(max(load.failures - 1, 0), 16)), settings.longestRest)
        if now &- load.failed < rest || load.failed > now { return load.failed <= now }
        return load.failures > 1 && load.tried > load.failed && now &- load.tried < settings.failureRest
    }

    /// The chance that a candidate has a free slot: what was heard of it, less what was sent there since, fades with age towards what it
    /// usually has free, and is the less certain. Never heard of: even.
    func chance(_ load: LiveLoad.Sample, now: UInt64) -> Double { chance(load, trust(load, now: now), now: now) }

    func chance(_ load: LiveLoad.Sample, _ trust: Double, now: UInt64) -> Double {
        let share = startedShare(load, now: now)
        guard load.heard > 0 else { return 0.5 * share }
        let variance = max(load.freeVariance, 1) * (1 - trust * trust) + 0.01
        let distance = expectedFree(load, trust) - 0.5
        return (0.5 + 0.5 * distance / (variance + distance * distance).squareRoot()) * share
    }

    /// The part of its requests that a site is given that has come back a moment ago: a cold cache and all that waited would fell it again.
    private func startedShare(_ load: LiveLoad.Sample, now: UInt64) -> Double {
        guard load.recovered != 0, now >= load.recovered, now - load.recovered < settings.slowStart else { return 1 }
        return max(Double(now - load.recovered) / Double(settings.slowStart), 0.1)
    }

    func expectedFree(_ load: LiveLoad.Sample, _ trust: Double) -> Double {
        Double(load.free) * trust + load.meanFree * (1 - trust)
    }

    func roundTrip(_ candidate: Candidate, _ load: LiveLoad.Sample) -> Double {
        if candidate.isLocal { return 0 }
        return load.roundTripSeconds > 0 ? load.roundTripSeconds : settings.unknownRoundTripSeconds
    }

    /// What its first bytes took of late beyond what is usual, fading with age so that it is tried again.
    func late(_ load: LiveLoad.Sample, now: UInt64) -> Double {
        guard load.lateSeconds > settings.usualFirstByteSeconds else { return 0 }
        let age = now > load.lateAt ? Double(now - load.lateAt) : 0
        return (load.lateSeconds - settings.usualFirstByteSeconds) * Double(settings.firstByteHalfLife)
            / (Double(settings.firstByteHalfLife) + age)
    }

    /// How much what was heard still says.
    func trust(_ load: LiveLoad.Sample, now: UInt64) -> Double {
        let age = now > load.heard ? Double(now - load.heard) : 0
        return Double(settings.loadHalfLife) / (Double(settings.loadHalfLife) + age)
    }

    /// Seconds until a candidate would begin: its round trip, what its first bytes took too long of late, and what a refusal would cost, of which `share` is taken. Infinite where none is
    /// likely to be free.
    func cost(_ reading: Reading, of share: Double) -> Double {
        guard reading.chance > settings.leastChance else { return .infinity }
        let taken = 1 - reading.expectedFree / Double(max(reading.slots, 1))
        return reading.roundTrip + reading.late + (1 - reading.chance) * settings.refusalSeconds * share
            + min(max(taken, 0), 1) * settings.crowdedSeconds
    }

    /// The one that is expected to answer the soonest. nil where none is likely to have a free slot.
    ///
    /// What a refusal costs is drawn anew for each, within a half of the mean, and so is a little of its round trip, which keeps nodes that
    /// know the same from going to the same place (why greed on old news does harm: Mitzenmacher 2000).
    func soonest(
        _ field: Field, _ eligible: UInt64, _ affine: Affine?, random: inout some RandomNumberGenerator
    ) -> Int? {
        var best: Int?
        var bestSeconds = Double.infinity
        Field.forEach(in: eligible) { index in
            var seconds =
                cost(field.readings[index], of: 0.5 + unit(&random)) + unit(&random) * settings.nearSeconds
            if let affine, affine.index == index { seconds -= affine.savedSeconds }
            if seconds < bestSeconds {
                best = index
                bestSeconds = seconds
            }
        }
        return best
    }

    /// One by the slots that are believed free.
    func spread(_ field: Field, _ eligible: UInt64, random: inout some RandomNumberGenerator) -> Int? {
        func share(_ reading: Reading) -> Double {
            guard reading.chance > settings.leastChance else { return 0 }
            return reading.wasHeard ? max(reading.expectedFree, 0.1) : 1
        }
        var total = 0.0
        Field.forEach(in: eligible) { total += share(field.readings[$0]) }
        var point = unit(&random) * total
        var last: Int?
        Field.forEach(in: eligible) { index in
            let share = share(field.readings[index])
            guard share > 0, last == nil || point >= 0 else { return }
            last = index
            point -= share
        }
        return last
    }

    /// Of candidates that seem full, the one whose line seems the shortest in time, its way included.
    func shortestLine(_ field: Field, _ eligible: UInt64) -> Int {
        var best = -1
        var bestWait = Double.infinity
        Field.forEach(in: eligible) { index in
            let reading = field.readings[index]
            let line = max(1 - reading.expectedFree, 0.5) / Double(max(reading.slots, 1))
            let wait = line * settings.meanServiceSeconds + reading.roundTrip + reading.late
            if wait < bestWait {
                best = index
                bestWait = wait
            }
        }
        return best
    }

    private func unit(_ random: inout some RandomNumberGenerator) -> Double { Double(random.next() >> 11) * 0x1p-53 }
}
