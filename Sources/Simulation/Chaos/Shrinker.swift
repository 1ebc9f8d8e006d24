import Gossip

/// Makes a failing run short: takes away steps and nodes as long as the same thing still breaks in the same manner (delta debugging;
/// Zeller, Hildebrandt 2002). Whom the failed expectation is about, what happens to them and the moments that it names stay:
/// without them it would fail because nothing happened.
public struct Shrinker {
    /// A shorter script that breaks the same. All that the seed decided about it is written out.
    public struct Shrunk: Sendable {
        public var scenario: Scenario
        public var failure: Failure
        /// Runs that it took.
        public var runs: Int
    }

    private let seed: UInt64
    private let allowed: Int
    private var best: Scenario
    private var failure: Failure
    /// The expectation that failed; nil: an invariant broke.
    private let awaited: Expectation.Kind?
    private var runs = 0
    private var progress: ((Int, Int) -> Void)?

    /// - Parameters:
    ///   - failure: what broke in the run of this scenario with this seed.
    ///   - runs: after so many it stops with what it has.
    public init(_ scenario: Scenario, seed: UInt64, failure: Failure, runs: Int = 500) {
        self.seed = seed
        self.allowed = runs
        self.failure = failure
        best = scenario.resolved(seed: seed).scenario
        if case .expectation(let index) = failure.kind {
            awaited = best.expectations[index].kind
            best.expectations = [best.expectations[index]]
            self.failure.kind = .expectation(0)
        } else {
            // What breaks before the end breaks whatever is expected, and a scenario expects something.
            awaited = nil
            best.expectations = [Expectation(.converged(after: nil, withinSeconds: best.runSeconds))]
        }
    }

    /// - Parameter progress: is told of the runs done and of the steps that are left.
    public mutating func shrink(progress: ((Int, Int) -> Void)? = nil) -> Shrunk {
        self.progress = progress
        endSoonAfterFailure()
        var before = Int.max
        while size < before, runs < allowed {
            before = size
            removeTroubles()
            removeRemedies()
            removeNodes()
        }
        best.groups = best.groups.filter { isUsed($0.name) }
        return Shrunk(scenario: best, failure: failure, runs: runs)
    }

    private var size: Int { best.steps.count + best.nodes }

    /// Takes the candidate if it breaks the same way.
    private mutating func take(_ candidate: Scenario) -> Bool {
        guard runs < allowed else { return false }
        runs += 1
        var run = Run(candidate, seed: seed)
        let outcome = run.run()
        progress?(runs, best.steps.count)
        guard let found = outcome.failure, found.kind == failure.kind, found.manner == failure.manner else { return false }
        best = candidate
        failure = found
        return true
    }

    /// What comes after a broken invariant does not matter. An expectation is looked at when its time is over.
    private mutating func endSoonAfterFailure() {
        if case .expectation = failure.kind { return }
        var candidate = best
        candidate.runSeconds = min(best.runSeconds, failure.seconds + 0.001)
        candidate.steps.removeAll { $0.at > failure.seconds }
        _ = take(candidate)
    }

    // MARK: - Steps

    /// Halves, quarters, … of those steps that can go without leaving a trouble unmended.
    private mutating func removeTroubles() {
        var parts = 2
        while runs < allowed {
            let removable = best.steps.indices.filter { isRemovable($0) }
            guard !removable.isEmpty else { return }
            parts = min(parts, removable.count)
            let length = (removable.count + parts - 1) / parts
            var hasShrunk = false
            for start in stride(from: 0, to: removable.count, by: length) {
                let gone = Set(removable[start..<min(start + length, removable.count)])
                if take(without(gone)) {
                    hasShrunk = true
                    break
                }
            }
            if hasShrunk {
                parts = max(parts - 1, 2)
            } else if parts >= removable.count {
                return
            } else {
                parts = min(parts * 2, removable.count)
            }
        }
    }

    private func isRemovable(_ index: Int) -> Bool {
        let action = best.steps[index].action
        return !isNeeded(action) && action.undoes(usual: best.network).isEmpty
    }

    /// Whether the expectation could only fail for want of what this step does.
    private func isNeeded(_ action: Step.Action) -> Bool {
        guard let awaited else { return false }
        if let mark = action.mark, awaited.marks.contains(mark) { return true }
        if case .mark = action { return false }
        if case .refused = awaited { return action.makes == .hostility }
        guard let subject = awaited.subject, subject != "all" else { return false }
        if action.groups.contains(subject) { return true }
        // The script does it to them under another name.
        guard awaited.asksForTrouble, !best.steps.contains(where: { $0.action.groups.contains(subject) }) else {
            return false
        }
        let touched = members(action)
        return touched.isEmpty || !touched.isDisjoint(with: best.indices(of: subject))
    }

    /// One by one, those whose trouble is gone or is mended later as well.
    private mutating func removeRemedies() {
        var index = best.steps.count - 1
        while index >= 0, runs < allowed {
            if isNeedless(index) { _ = take(without([index])) }
            index -= 1
        }
    }

    private func isNeedless(_ index: Int) -> Bool {
        let action = best.steps[index].action
        let mends = action.undoes(usual: best.network)
        guard !mends.isEmpty, !isNeeded(action) else { return false }
        let troubles = best.steps[..<index].filter { step in
            if case .network(let model) = step.action, model != best.network { return mends.contains(.weather) }
            return step.action.makes.map(mends.contains) ?? false
        }
        if !troubles.contains(where: { touch($0.action, action) }) { return true }
        return best.steps[(index + 1)...].contains { later in
            later.action.undoes(usual: best.network).isSuperset(of: mends) && covers(later.action, action)
        }
    }

    private func touch(_ a: Step.Action, _ b: Step.Action) -> Bool {
        let one = members(a)
        let other = members(b)
        return one.isEmpty || other.isEmpty || !one.isDisjoint(with: other)
    }

    private func covers(_ later: Step.Action, _ action: Step.Action) -> Bool {
        let all = members(later)
        return all.isEmpty || (!members(action).isEmpty && all.isSuperset(of: members(action)))
    }

    /// Nodes that a step is about; empty: all.
    private func members(_ action: Step.Action) -> Set<Int> {
        if action.groups.contains("all") { return [] }
        return Set(action.groups.flatMap { best.indices(of: $0) })
    }

    private func without(_ gone: Set<Int>) -> Scenario {
        var candidate = best
        candidate.steps = best.steps.indices.filter { !gone.contains($0) }.map { best.steps[$0] }
        return candidate
    }

    // MARK: - Nodes

    private mutating func removeNodes() {
        var node = best.nodes - 1
        while node >= 0, best.nodes > 2, runs < allowed {
            if mayGo(node) { _ = take(best.without(node: node)) }
            node -= 1
        }
    }

    /// A group that the expectation names, or a step that it needs, keeps a node; and somebody else is left to be asked about it.
    private func mayGo(_ node: Int) -> Bool {
        guard best.seeds != [node] else { return false }
        let named = awaited?.groups ?? []
        let needed = best.steps.map(\.action).filter(isNeeded).flatMap(\.groups)
        return (named + needed).allSatisfy { best.indices(of: $0) != [node] }
            && named.allSatisfy { Set(0..<best.nodes).subtracting(best.indices(of: $0)) != [node] }
    }

    private func isUsed(_ group: String) -> Bool {
        best.steps.contains { $0.action.groups.contains(group) }
            || best.expectations.contains { $0.kind.groups.contains(group) }
    }
}
