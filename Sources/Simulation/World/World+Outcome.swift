import Gossip

// The end: what was measured, and whether it was enough.

extension World {
    /// Called once, when the run is over.
    mutating func finish() {
        let sent = nodes.map(\.sent)
        for index in court.windows.indices { court.windows[index].close(at: now, total: court.traffic) { sent } }
        measures = scenario.expectations.indices.map { measure($0) }
        guard failure == nil, let broken = measures.firstIndex(where: { !$0.isHeld }) else { return }
        var measured = measures[broken].measured.map { "\(rounded($0)) \(measures[broken].unit)" } ?? "it never was"
        if court.trials[broken].isConvergence, let difference { measured += "; in the end \(difference)" }
        failure = Failure(
            kind: .expectation(broken), manner: manner(of: broken), text: "expected \(measures[broken].text): \(measured)",
            step: lastStep,
            seconds: VirtualTime.seconds(now))
    }

    private func manner(of index: Int) -> Failure.Manner {
        let measure = measures[index]
        let subject = Set(scenario.expectations[index].kind.subject.map { members($0) } ?? [])
        guard nodes.indices.contains(where: { court.convergence.voters[$0] && !subject.contains($0) }) else {
            return .unasked
        }
        guard let measured = measure.measured else { return .never }
        guard court.trials[index].isTimed else { return .beyond }
        return measured > measure.aim ? .late : .passing
    }

    var outcome: Outcome {
        Outcome(
            seed: seed, events: handled, virtualSeconds: VirtualTime.seconds(now), failure: failure, figures: figures,
            measures: measures, fingerprint: fingerprint.value)
    }

    private var figures: [Figure] {
        var sum = Traffic()
        for node in nodes { sum += node.sent }
        let each = Double(nodes.count) * max(VirtualTime.seconds(now), 1e-9)
        return [
            Figure(name: "bytes", value: Double(sum.payload) / each, unit: "B/s a node"),
            Figure(name: "handshake bytes", value: Double(sum.handshakes) / each, unit: "B/s a node"),
            Figure(name: "bytes on the wire", value: Double(sum.wire) / each, unit: "B/s a node, estimated"),
            Figure(name: "exchanges", value: Double(sum.exchanges) / each, unit: "/s a node"),
        ]
    }

    // MARK: - One expectation

    private func measure(_ index: Int) -> Measure {
        let kind = scenario.expectations[index].kind
        let text = kind.words
        func within(_ aim: Double, isHeldAtEnd: Bool = true) -> Measure {
            let trial = court.trials[index]
            let seconds = trial.metAt.flatMap { met in trial.beganAt.map { VirtualTime.seconds(met - $0) } }
            return Measure(
                text: text, measured: seconds, aim: aim, unit: "s",
                isHeld: isHeldAtEnd && seconds.map { $0 <= aim } ?? false)
        }
        func atMost(_ measured: Double?, _ aim: Double, _ unit: String) -> Measure {
            Measure(text: text, measured: measured, aim: aim, unit: unit, isHeld: measured.map { $0 <= aim } ?? false)
        }
        func atLeast(_ measured: Double, _ aim: Double, _ unit: String) -> Measure {
            Measure(text: text, measured: measured, aim: aim, unit: unit, isHeld: measured >= aim)
        }
        let window = court.windows[index]
        switch kind {
        case .converged(_, let seconds):
            let latest = court.convergence.holds ? now : court.convergence.heldAt ?? 0
            return within(seconds, isHeldAtEnd: VirtualTime.seconds(now - latest) <= seconds)
        case .seen(_, _, let seconds), .detected(_, _, _, _, let seconds): return within(seconds)
        case .atEnd(let group, let states): return atMost(Double(exceptions(members(group), states)), 0, "exceptions")
        case .falseDeaths(let most, _, _, _): return atMost(Double(court.falseDeaths[index].count), Double(most), "verdicts")
        case .bytesPerSecond(let group, _, _, let most):
            let nodes = members(group)
            let bytes = window.seconds.map { Double(window.sum(nodes).counted) / $0 / Double(max(nodes.count, 1)) }
            return atMost(bytes, most, "B/s a node")
        case .exchangesPerSecond(let group, _, _, let most):
            let nodes = members(group)
            let exchanges = window.seconds.map { Double(window.sum(nodes).exchanges) / $0 / Double(max(nodes.count, 1)) }
            return atMost(exchanges, most, "/s a node")
        case .bytesFor(_, _, let most): return atMost(window.beyondIdle, most, "B")
        case .refused(let cause, let least): return atLeast(Double(refusals(cause)), Double(least), "records")
        case .greylisted(let group, let share): return atLeast(greylisted(members(group)), share, "of the others")
        case .recordBytes(let most): return atMost(Double(court.mostRecordBytes), Double(most), "B")
        }
    }

    /// How the views of two nodes that should be equal differ, in words; nil: they do not.
    private var difference: String? {
        let voters = nodes.indices.filter { court.convergence.voters[$0] }
        guard let first = voters.first else { return "nobody was there" }
        func words(_ observer: Int, _ origin: Int) -> String {
            let sight = sights[observer, origin]
            let versions = "\(sight.generation).\(sight.identity).\(sight.catalog).\(sight.load)"
            return "\(nodes[observer].id) has \(nodes[origin].id) \(sight.state?.rawValue ?? "not at all") \(versions)"
        }
        let withLoad = court.convergence.withLoad
        for other in voters.dropFirst() {
            for origin in nodes.indices
            where sights[first, origin].fingerprint(of: origin, withLoad: withLoad)
                != sights[other, origin].fingerprint(of: origin, withLoad: withLoad)
            {
                return "\(words(first, origin)), \(words(other, origin))"
            }
        }
        let wrong = nodes.indices.first { sights[first, $0].isAlive != court.convergence.isPresent[$0] }
        return wrong.map { "all agree that \(words(first, $0))" }
    }

    /// How often a node of the group is not shown as it should be, by nodes outside it.
    private func exceptions(_ group: [Int], _ states: [NodeState]) -> Int {
        let isMember = Set(group)
        let maybeGone = states.contains(.dead) || states.contains(.left)
        var count = 0
        for observer in nodes.indices where court.convergence.voters[observer] && !isMember.contains(observer) {
            for member in group {
                let state = sights[observer, member].state
                if state.map(states.contains) ?? maybeGone { continue }
                count += 1
            }
        }
        return count
    }

    private func refusals(_ cause: RecordRefusal) -> UInt64 {
        nodes.reduce(0) { $0 + ($1.pastRefusals[cause] ?? 0) + ($1.life?.machine.counters.refusals[cause] ?? 0) }
    }

    /// The smallest share of the others that has a member of the group greylisted.
    private func greylisted(_ group: [Int]) -> Double {
        let isMember = Set(group)
        let others = nodes.indices.filter { court.convergence.voters[$0] && !isMember.contains($0) }
        guard !others.isEmpty, !group.isEmpty else { return 0 }
        return group.map { member in
            let agreeing = others.filter { nodes[$0].life?.machine.isGreylisted(nodes[member].id) ?? false }
            return Double(agreeing.count) / Double(others.count)
        }.min() ?? 0
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
