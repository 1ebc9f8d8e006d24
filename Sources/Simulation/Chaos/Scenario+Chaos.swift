import Gossip

extension Scenario {
    /// Adds trouble that the seed decides, and the peace after it.
    mutating func add(_ chaos: ChaosModel, seed: UInt64, members: inout [String: [Int]]) {
    }
}
