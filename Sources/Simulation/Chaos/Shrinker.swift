import Gossip

/// Makes a failing run short: takes away steps and nodes as long as the same thing still breaks (delta debugging; Zeller,
/// Hildebrandt 2002).
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
        guard let found = outcome.failure, found.kind == failure.kind else { return false }
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
        if case .mark = action { return false }
        return action.undoes(usual: best.network).isEmpty
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
        guard !mends.isEmpty else { return false }
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
        return Set(action.groups.flatMap { name in best.groups.first { $0.name == name }?.indices ?? [] })
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
            if best.seeds != [node] { _ = take(best.without(node: node)) }
            node -= 1
        }
    }

    private func isUsed(_ group: String) -> Bool {
        best.steps.contains { $0.action.groups.contains(group) }
            || best.expectations.contains { $0.kind.groups.contains(group) }
    }
}

extension NodeGroup {
    fileprivate var indices: [Int] { if case .nodes(let indices) = members { indices } else { [] } }
}

extension Scenario {
    /// The same without one node: those after it move up, and steps that are about nobody then go too.
    fileprivate func without(node: Int) -> Scenario {
        var scenario = self
        func moved(_ indices: [Int]) -> [Int] { indices.filter { $0 != node }.map { $0 > node ? $0 - 1 : $0 } }
        scenario.nodes -= 1
        scenario.seeds = moved(seeds)
        var empty: Set<String> = []
        for index in groups.indices {
            let indices = moved(groups[index].indices)
            scenario.groups[index].members = .nodes(indices)
            if indices.isEmpty { empty.insert(groups[index].name) }
        }
        scenario.steps.removeAll { step in
            let groups = step.action.groups
            return !groups.isEmpty && groups.allSatisfy(empty.contains)
        }
        return scenario
    }
}

extension Expectation.Kind {
    /// Groups that it names.
    var groups: [String] {
        switch self {
        case .detected(let group, _, _, _, _), .atEnd(let group, _), .bytesPerSecond(let group, _, _, _),
            .greylisted(let group, _), .exchangesPerSecond(let group, _, _, _):
            [group]
        case .falseDeaths(_, let outside, _, _): outside.map { [$0] } ?? []
        case .converged, .seen, .bytesFor, .refused, .recordBytes: []
        }
    }
}
