import Gossip

/// One kind of trouble, which the seed chooses.
enum Trouble: CaseIterable {
    case crash, restart, leave, pause, slow, clock, split, cut, clog, weather, publish, storm, fullDisk, damagedDisk, renewal
    case everyoneRestarts, hostility, downgrade

    /// How often it is chosen, among the others.
    var weight: Int {
        switch self {
        case .crash, .restart, .publish: 4
        case .pause, .split, .weather, .cut: 3
        case .leave, .slow, .clock, .clog, .renewal: 2
        case .storm, .fullDisk, .damagedDisk, .everyoneRestarts, .hostility, .downgrade: 1
        }
    }

    static func drawn(_ random: inout SeededGenerator) -> Trouble {
        var rest = Int.random(in: 0..<allCases.reduce(0) { $0 + $1.weight }, using: &random)
        for trouble in allCases {
            rest -= trouble.weight
            if rest < 0 { return trouble }
        }
        return .publish
    }
}
