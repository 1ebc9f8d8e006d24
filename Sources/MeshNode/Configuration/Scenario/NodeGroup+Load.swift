import Simulation

extension NodeGroup {
    static let groupsAllowed = 1000

    /// - Parameters:
    ///   - nodes: how many the scenario has.
    ///   - seeds: those of them that others start by.
    static func decode(_ cursor: ConfigurationCursor, nodes: Int, seeds: [Int]) -> [NodeGroup] {
        let names = UniqueNames()
        var free = Free(nodes: nodes, seeds: seeds)
        return cursor.list(atMost: groupsAllowed) { item in
            item.object { fields in
                let name = fields["name"].label()
                if name == ScenarioNames.all {
                    fields["name"].fail("found \"all\", which is every node; allowed: another name")
                }
                names.claim(name, by: fields["name"])
                return NodeGroup(name: name, members: members(fields, &free))
            }
        }
    }

    private static func members(_ fields: ConfigurationFields, _ free: inout Free) -> Members {
        let ways = ["nodes", "count", "share", "rest"]
        let given = ways.filter { fields[$0].isPresent }
        guard given.count == 1, let way = given.first else {
            let found = given.isEmpty ? "none" : given.joined(separator: " and ")
            let allowed = ways.joined(separator: ", ")
            fields.cursor.fail("found \(found) of its ways to say who is in it; allowed: one of \(allowed)")
            _ = fields["mayBeSeeds"]
            return .rest
        }
        let isDrawn = way == "count" || way == "share"
        if !isDrawn, fields["mayBeSeeds"].isPresent {
            fields["mayBeSeeds"].fail("stands beside \(way); allowed: beside count or share")
        }
        let mayBeSeeds = isDrawn ? fields["mayBeSeeds"].boolean(default: false) : false
        switch way {
        case "nodes":
            let indices = Scenario.nodes(fields["nodes"], of: free.nodes, atMost: free.nodes)
            free.taken += indices.count
            free.takenSeeds += indices.count { free.seeds.contains($0) }
            return .nodes(indices)
        case "count":
            let count = fields["count"].integer(in: 1...free.nodes)
            free.draw(count, mayBeSeeds, by: fields["count"])
            return .random(count: count, mayBeSeeds: mayBeSeeds)
        case "share":
            let share = fields["share"].number(in: 0...1)
            free.draw(Int(share * Double(free.nodes)), mayBeSeeds, by: fields["share"])
            return .share(share, mayBeSeeds: mayBeSeeds)
        default:
            if !fields["rest"].boolean(default: true) {
                fields["rest"].fail("found false; allowed: true")
            }
            free.taken = free.nodes
            return .rest
        }
    }

    /// How many nodes are left to be drawn, at the least.
    private struct Free {
        let nodes: Int
        let seeds: Set<Int>
        var taken = 0
        var takenSeeds = 0

        init(nodes: Int, seeds: [Int]) {
            self.nodes = nodes
            self.seeds = Set(seeds)
        }

        mutating func draw(_ count: Int, _ mayBeSeeds: Bool, by cursor: ConfigurationCursor) {
            let left = max(0, nodes - taken - (mayBeSeeds ? 0 : seeds.count - takenSeeds))
            if count > left {
                let others = mayBeSeeds ? "in no group before it" : "neither seeds nor in a group before it"
                cursor.fail(
                    "found \(cursor.found), which is \(count) nodes; allowed: at most the \(left) that are \(others)")
            }
            taken += count
        }
    }
}
