public import Gossip

/// A federation, what happens to it and what is expected of it: what `meshnode simulate` runs. docs/simulation.md is its reference.
public struct Scenario: Equatable, Sendable {
    public var name: String
    public var description: String
    /// Nodes by index: those of one site stand together. Node `i` is `s<i / nodesPerSite>/n<i % nodesPerSite>`.
    public var nodes: Int
    public var nodesPerSite = 1
    /// Virtual seconds to run.
    public var runSeconds: Double
    /// Nodes start spread evenly over this time.
    public var startWithinSeconds = 0.0
    /// Indices of the nodes that all others have as seeds.
    public var seeds = [0]
    public var settings = Settings()
    public var network = NetworkModel()
    public var records = RecordModel()
    /// Sets of nodes that steps and expectations name; drawn from the seed, in this order.
    public var groups: [NodeGroup] = []
    public var steps: [Step] = []
    /// Trouble drawn from the seed, besides the steps; nil: none.
    public var chaos: ChaosModel?
    public var expectations: [Expectation] = []

    public init(name: String, description: String, nodes: Int, runSeconds: Double) {
        self.name = name
        self.description = description
        self.nodes = nodes
        self.runSeconds = runSeconds
    }
}

/// A named set of nodes. `all` always exists.
public struct NodeGroup: Sendable, Equatable {
    public var name: String
    public var members: Members

    public enum Members: Sendable, Equatable {
        /// Indices, in the order given.
        case nodes([Int])
        /// So many, drawn from those that no group before it has, seeds among them only if `mayBeSeeds`.
        case random(count: Int, mayBeSeeds: Bool)
        /// This part of all nodes, drawn likewise.
        case share(Double, mayBeSeeds: Bool)
        /// All that no group before it has.
        case rest
    }

    public init(name: String, members: Members) {
        self.name = name
        self.members = members
    }
}

/// What nodes publish of themselves.
public struct RecordModel: Sendable, Equatable {
    /// Bytes of a catalog's signed token, about.
    public var catalogBytes = 1024
    /// Bytes of an identity's signed token, about.
    public var identityBytes = 1200
    /// Bytes of a load's signed token, about.
    public var loadBytes = 400
    /// Seconds between two changed loads of a node; nil: loads do not change (an idle mesh).
    public var loadEverySeconds: Double?
    /// Seconds that a certificate is good for.
    public var certificateSeconds = 7.0 * 86_400
    /// Renewed after this part of it; nil: never.
    public var renewedAfter: Double? = 0.5

    public init() {}
}
