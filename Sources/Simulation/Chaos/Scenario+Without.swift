extension NodeGroup {
    fileprivate var indices: [Int] { if case .nodes(let indices) = members { indices } else { [] } }
}

extension Scenario {
    /// Members of a group, where it is given by them.
    func indices(of group: String) -> [Int] { groups.first { $0.name == group }?.indices ?? [] }

    /// The same without one node: those after it move up, and steps that are about nobody then go too.
    func without(node: Int) -> Scenario {
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
