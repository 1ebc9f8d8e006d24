import Gossip

/// Follows what the expectations are about while the world runs, a change at a time.
struct Court {
    /// Nodes whose first start is still to come: until then the mesh is not whole.
    var unborn: Int

    var convergence: Convergence
    var trials: [Trial]
    /// Trials that look at what is shown of a node, by that node.
    private var watched: [[Int]]
    var windows: [Window] = []
    /// Bytes counted against aims, of all nodes together.
    var traffic: UInt64 = 0
    /// The same at each second.
    private(set) var history: [UInt64] = []
    var falseDeaths: [FalseDeaths] = []
    /// The most of one node at any time.
    var mostRecordBytes = 0

    init(_ scenario: Scenario, groups: [String: [Int]]) {
        unborn = scenario.nodes
        convergence = Convergence(nodes: scenario.nodes, withLoad: scenario.records.loadEverySeconds == nil)
        trials = scenario.expectations.map { Trial($0.kind, groups: groups, nodes: scenario.nodes) }
        watched = Array(repeating: [], count: scenario.nodes)
        for (index, trial) in trials.enumerated() {
            for origin in trial.members { watched[origin].append(index) }
        }
        windows = scenario.expectations.map { Window($0.kind) }
        falseDeaths = scenario.expectations.map { FalseDeaths($0.kind, groups: groups) }
    }

    /// The beginning, and each named moment.
    mutating func mark(_ name: String?, at now: UInt64, since lastStep: UInt64, traffics: () -> [Traffic]) {
        for index in trials.indices where trials[index].begins(with: name) { trials[index].beganAt = now }
        let idle = idleRate(before: now, since: lastStep)
        for index in windows.indices { windows[index].mark(name, at: now, total: traffic, idle: idle, traffics: traffics) }
        for index in falseDeaths.indices { falseDeaths[index].mark(name) }
        look(at: now)
    }

    /// What was published at a mark: seen by whoever holds it.
    mutating func publish(_ items: [(origin: Int, kind: RecordKind, version: Version)], mark: String) {
        for index in trials.indices where trials[index].isSeen(mark: mark) {
            for item in items {
                trials[index].add(item)
                if !watched[item.origin].contains(index) { watched[item.origin].append(index) }
            }
        }
    }

    /// A view has changed.
    mutating func note(_ observer: Int, _ origin: Int, _ old: Sight, _ new: Sight) {
        convergence.note(observer, origin, old, new)
        for index in watched[origin] { trials[index].note(observer, origin, new) }
    }

    /// All changes of one event at a node are told.
    mutating func settle(_ observer: Int, at now: UInt64) {
        convergence.settle(observer, at: now)
        look(at: now)
    }

    /// A node counts among those whose views are asked for, or no longer does.
    mutating func set(_ node: Int, isVoter: Bool, isPresent: Bool, at now: UInt64) {
        convergence.set(node, isVoter: isVoter, isPresent: isPresent, at: now)
        look(at: now)
    }

    /// A node begins again with nothing.
    mutating func clear(_ observer: Int, at now: UInt64) {
        convergence.clear(observer, at: now)
        for index in trials.indices { trials[index].clear(observer) }
    }

    /// Whether something expected has come to be.
    mutating func look(at now: UInt64) {
        for index in trials.indices where trials[index].isOpen {
            let holds =
                trials[index].isConvergence
                ? unborn == 0 && convergence.holds : trials[index].holds(convergence.voters, convergence.voterCount)
            if holds { trials[index].metAt = now }
        }
    }

    /// Called each second.
    mutating func remember() { history.append(traffic) }

    /// Bytes a second of all together before a moment, when nothing was asked of them; nil: there was no such time.
    private func idleRate(before now: UInt64, since lastStep: UInt64) -> Double? {
        let last = history.count - 1
        // What the last step set off has come to rest by the second half of the time since.
        let first = max((Int(lastStep / 1_000_000_000) + 1 + last) / 2, last - 60)
        guard last - first >= 5 else { return nil }
        return Double(history[last] - history[first]) / Double(last - first)
    }
}
