import Gossip

extension Scenario {
    /// Adds trouble that the seed decides, as steps and groups like any others, and the peace after it.
    mutating func add(_ chaos: ChaosModel, seed: UInt64, members: inout [String: [Int]]) {
        var script = ChaosScript(self, chaos, seed: seed)
        script.makeTrouble()
        script.makePeace()
        groups += script.groups
        steps += script.steps
        for group in script.groups { if case .nodes(let indices) = group.members { members[group.name] = indices } }
        let isAwaited = expectations.contains {
            if case .converged(ChaosModel.peace, _) = $0.kind { true } else { false }
        }
        if !isAwaited {
            let rest = max(runSeconds - chaos.toSeconds, 0)
            expectations.append(Expectation(.converged(after: ChaosModel.peace, withinSeconds: rest)))
        }
    }
}

/// Draws troubles and writes them down as steps.
struct ChaosScript {
    private let scenario: Scenario
    private let chaos: ChaosModel
    private var random: SeededGenerator
    private(set) var steps: [Step] = []
    private(set) var groups: [NodeGroup] = []
    private var hostile: Int?

    init(_ scenario: Scenario, _ chaos: ChaosModel, seed: UInt64) {
        self.scenario = scenario
        self.chaos = chaos
        random = SeededGenerator(seed: mix64(seed ^ 0x6368_616f_73))
    }

    mutating func makeTrouble() {
        for _ in 0..<chaos.count {
            let at = chaos.fromSeconds + (chaos.toSeconds - chaos.fromSeconds) * random.unit()
            make(Trouble.drawn(&random), at: at)
        }
    }

    /// All is mended: whoever can run runs, but for a hostile one, which is shown the door.
    mutating func makePeace() {
        let at = chaos.toSeconds
        let honest = group((0..<scenario.nodes).filter { $0 != hostile })
        add(at, .heal)
        add(at, .network(scenario.network))
        add(at, .resume("all"))
        add(at, .slow("all", seconds: nil))
        add(at, .diskFull("all", false))
        add(at, .clock("all", offsetSeconds: 0, driftPartsPerMillion: 0))
        if let hostile { add(at, .crash(group([hostile]), isSilent: false)) }
        add(at, .start(honest, disk: .kept))
        add(at, .mark(ChaosModel.peace))
    }

    private mutating func make(_ trouble: Trouble, at: Double) {
        let until = min(at + duration(), chaos.toSeconds)
        switch trouble {
        case .crash:
            let some = someNodes()
            add(at, .crash(some, isSilent: chance(0.5)))
            add(until, .start(some, disk: disk()))
        case .restart:
            let some = someNodes()
            add(at, .crash(some, isSilent: false))
            add(at + random.unit(), .start(some, disk: disk()))
        case .leave:
            let one = oneNode()
            add(at, .leave(one))
            add(until, .start(one, disk: disk()))
        case .pause:
            let some = someNodes()
            add(at, .pause(some))
            add(until, .resume(some))
        case .slow:
            let one = oneNode()
            add(at, .slow(one, seconds: 0.05...(0.1 + 2 * random.unit())))
            add(until, .slow(one, seconds: nil))
        case .clock:
            // Ahead only as far as records may be; back as far as it likes.
            let offset = chance(0.5) ? 250 * random.unit() : -86_400 * random.unit()
            add(at, .clock(oneNode(), offsetSeconds: offset, driftPartsPerMillion: 400 * (random.unit() - 0.5)))
        case .split:
            let order = random.pick(scenario.nodes, of: Array(0..<scenario.nodes))
            let parts = scenario.nodes > 5 && chance(0.3) ? 3 : 2
            var sides: [[Int]] = Array(repeating: [], count: parts)
            for node in order { sides[Int.random(in: 0..<parts, using: &random)].append(node) }
            add(at, .partition(sides.map { group($0.sorted()) }))
            add(until, .heal)
        case .cut:
            add(at, .cut(from: someNodes(), to: someNodes()))
            add(until, .heal)
        case .clog:
            let some = someNodes()
            add(at, .clog(some, true))
            add(until, .clog(some, false))
        case .weather:
            add(at, .network(weather()))
            add(until, .network(scenario.network))
        case .publish:
            let kinds = Step.Publication.allCases
            add(at, .publish(someNodes(), kinds[Int.random(in: 0..<kinds.count, using: &random)], mark: nil))
        case .storm: add(at, .storm(someNodes(), everySeconds: 0.2 + random.unit(), forSeconds: until - at))
        case .fullDisk:
            let some = someNodes()
            add(at, .diskFull(some, true))
            add(until, .diskFull(some, false))
        case .damagedDisk:
            let one = oneNode()
            add(at, .crash(one, isSilent: false))
            add(at, .damageDisk(one))
            add(until, .start(one, disk: .kept))
        case .renewal: add(at, .renew(someNodes(), underNewRoot: false))
        case .everyoneRestarts:
            add(at, .crash("all", isSilent: false))
            add(at + random.unit(), .start("all", disk: disk()))
        case .downgrade:
            let some = someNodes()
            add(at, .version(some, 1))
            add(until, .version(some, 2))
        case .hostility:
            guard hostile == nil, let node = random.pick(1, of: candidates).first else { return }
            hostile = node
            let kinds = Step.Misbehaviour.allCases.filter { $0 != .equivocate }
            add(at, .misbehave(group([node]), kinds[Int.random(in: 0..<kinds.count, using: &random)]))
        }
    }

    // MARK: - Draws

    /// Seeds stay honest, so that the rest can find each other again.
    private var candidates: [Int] { (0..<scenario.nodes).filter { !scenario.seeds.contains($0) } }

    private mutating func chance(_ share: Double) -> Bool { random.unit() < share }

    /// Seconds: mostly short, now and then longer than a suspicion lasts.
    private mutating func duration() -> Double { chance(0.7) ? 0.1 + 8 * random.unit() : 8 + 40 * random.unit() }

    private mutating func disk() -> Step.Disk { chance(0.7) ? .kept : chance(0.5) ? .lost : .restored }

    private mutating func oneNode() -> String { group([Int.random(in: 0..<scenario.nodes, using: &random)]) }

    private mutating func someNodes() -> String {
        let count = chance(0.7) ? 1 : Int.random(in: 1...max(1, scenario.nodes / 2), using: &random)
        return group(random.pick(count, of: Array(0..<scenario.nodes)).sorted())
    }

    private mutating func weather() -> NetworkModel {
        var model = scenario.network
        if chance(0.6) { model.loss = 0.2 * random.unit() }
        if chance(0.3) { model.exchangeFailure = 0.4 * random.unit() }
        if chance(0.4) { model.duplication = 0.3 * random.unit() }
        if chance(0.4) { model.reorder = 0.5 * random.unit() }
        if chance(0.4) { model.jitterSeconds = 0.5 * random.unit() }
        if chance(0.2) { model.bandwidthBytesPerSecond = 2000 + 50_000 * random.unit() }
        return model
    }

    private mutating func group(_ members: [Int]) -> String {
        let name = "chaos-\(groups.count + 1)"
        groups.append(NodeGroup(name: name, members: .nodes(members)))
        return name
    }

    private mutating func add(_ at: Double, _ action: Step.Action) {
        steps.append(Step(at: min(at, chaos.toSeconds), action))
    }
}
