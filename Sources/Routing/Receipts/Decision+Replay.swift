import Gossip

extension Decision {
    /// Whether it can be one that a node wrote: what is read from elsewhere may be anything.
    public var isSound: Bool {
        guard version == Self.currentVersion, steps.count <= ReceiptTrail.marksKept, settings.isSound else { return false }
        return steps.indices.allSatisfy { number in
            let (step, places) = (steps[number], among(number))
            return places.count <= 64 && step.loads.count == places.count && step.excluded.count == places.count
                && step.picked.map { places.indices.contains($0.index) } ?? true
                && step.loads.allSatisfy { $0?.isSound ?? true }
        }
    }

    /// Those among which a step chose.
    public func among(_ number: Int) -> [Place] { steps[...number].last { $0.places != nil }?.places ?? places }

    /// Makes each choice again, by what is written here alone.
    ///
    /// - Returns: for each step what is picked now; nil: nothing is left to try. Empty for what is not sound.
    public func replay() -> [Journey.Step?] {
        guard isSound else { return [] }
        let choice = Choice(settings: settings)
        var journey = Journey(limits: limits)
        var picks: [Journey.Step?] = []
        for (number, step) in steps.enumerated() {
            // A new journey has no memory of the one before.
            if step.places != nil { journey = Journey(limits: limits) }
            var random = SplitMix64(seed: step.random)
            let picked = journey.next(
                choice, candidates(step, among(number)), for: (step.request ?? request).needs, now: step.now,
                random: &random)
            picks.append(picked)
            // It goes on from what was done, so that one difference is not taken for many.
            guard let index = step.picked?.index else { continue }
            switch step.consequence {
            case .none: break
            case .refused: journey.refused(index)
            case .failed: journey.failed(index)
            }
        }
        return picks
    }

    /// Whether making the choices again gives what they gave.
    public var replaysTheSame: Bool { isSound && replay() == steps.map(\.picked) }

    /// The chance of a free slot that the choice gave each place at a step; nil: it was out.
    public func scores(_ step: Step) -> [Double?] {
        let choice = Choice(settings: settings)
        return step.loads.map { $0.map { choice.chance($0, now: step.now) } }
    }

    /// The candidates as they stood at a step. What a hard rule had out stays out, whichever it was.
    private func candidates(_ step: Step, _ places: [Place]) -> [Candidate] {
        zip(places, step.loads).map { place, load in
            Candidate(
                node: NodeID(federation: place.federation, site: place.site, node: place.node), isLocal: place.isLocal,
                nodeState: load == nil ? .left : .alive, isDraining: false,
                variant: Variant(id: "", state: .running, backend: ""), load: load.map { LiveLoad($0) } ?? LiveLoad())
        }
    }
}

extension LiveLoad.Sample {
    /// Numbers that a load may have; sums of these never overflow, and nothing that is reckoned of them is no number.
    fileprivate var isSound: Bool {
        [slots, running, waiting, sentSince, failures].allSatisfy { $0.magnitude < 1 << 40 }
            && [roundTripSeconds, meanFree, meanSquare, tokensPerSecond, lateSeconds].allSatisfy { $0.magnitude < 1e15 }
    }
}

extension Choice.Settings {
    fileprivate var isSound: Bool {
        loadHalfLife > 0 && firstByteHalfLife > 0
            && [promptTokensPerSecond, answerTokensPerSecond].allSatisfy { $0 > 0 && $0 < 1e12 }
            && [
                meanServiceSeconds, refusalSeconds, unknownRoundTripSeconds, leastChance, walltimeMarginSeconds,
                usualFirstByteSeconds,
            ].allSatisfy {
                $0 >= 0 && $0 < 1e12
            }
    }
}
