public import Gossip

extension Scenario {
    /// The name of the node with this index.
    public func nodeID(_ index: Int) -> NodeID {
        let each = max(nodesPerSite, 1)
        return NodeID(site: "s\(index / each)", node: "n\(index % each)")
    }

    /// The index of a node; nil: it has none.
    func index(of id: NodeID) -> Int? {
        let each = max(nodesPerSite, 1)
        guard let site = Scenario.number(in: id.site, after: UInt8(ascii: "s")),
            let node = Scenario.number(in: id.node, after: UInt8(ascii: "n")), node < each
        else { return nil }
        let index = site * each + node
        return index < nodes ? index : nil
    }

    private static func number(in label: String, after letter: UInt8) -> Int? {
        var value = 0
        var position = 0
        for byte in label.utf8 {
            if position == 0 {
                guard byte == letter else { return nil }
            } else {
                guard (0x30...0x39).contains(byte), position < 8 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            position += 1
        }
        return position > 1 ? value : nil
    }

    /// The same with everything drawn that the seed decides: groups by their members, chaos as steps, steps in their order.
    func resolved(seed: UInt64) -> (scenario: Scenario, groups: [String: [Int]]) {
        var scenario = self
        var random = SeededGenerator(seed: mix64(seed ^ 0x6772_6f75_7073))
        var members: [String: [Int]] = ["all": Array(0..<nodes)]
        var taken = Array(repeating: false, count: nodes)
        for (index, group) in groups.enumerated() {
            let drawn = draw(group.members, taken, &random)
            for node in drawn { taken[node] = true }
            members[group.name] = drawn
            scenario.groups[index].members = .nodes(drawn)
        }
        if let chaos {
            scenario.add(chaos, seed: seed, members: &members)
            scenario.chaos = nil
        }
        // Sorting is stable, so that steps of one moment keep their order.
        let order = scenario.steps.indices.sorted {
            (scenario.steps[$0].at, $0) < (scenario.steps[$1].at, $1)
        }
        scenario.steps = order.map { scenario.steps[$0] }
        return (scenario, members)
    }

    private func draw(_ members: NodeGroup.Members, _ taken: [Bool], _ random: inout SeededGenerator) -> [Int] {
        func pick(_ count: Int, _ mayBeSeeds: Bool) -> [Int] {
            let open = (0..<nodes).filter { !taken[$0] && (mayBeSeeds || !seeds.contains($0)) }
            return random.pick(count, of: open).sorted()
        }
        switch members {
        case .nodes(let indices): return indices.filter { (0..<nodes).contains($0) }
        case .random(let count, let mayBeSeeds): return pick(count, mayBeSeeds)
        case .share(let share, let mayBeSeeds): return pick(Int((share * Double(nodes)).rounded()), mayBeSeeds)
        case .rest: return (0..<nodes).filter { !taken[$0] }
        }
    }
}
