/// What we think of a node. Only the node itself can say `left`; only its own higher generation undoes `dead` and `left`.
public enum NodeState: String, Codable, Sendable, CaseIterable {
    case alive, suspect, unreachable, dead, left
}

/// One node as seen from here. All records shown of a node are of one generation; nil where we hold no such record.
public struct NodeView: Sendable, Equatable {
    public var id: NodeID
    public var state: NodeState
    public var generation: UInt64
    public var identityRecord: SignedRecord?
    public var catalogRecord: SignedRecord?
    public var loadRecord: SignedRecord?
    /// When it was last known to be alive, by itself or through others.
    public var heardAt: Instant
    /// When the load shown was heard.
    public var loadHeardAt: Instant?
    /// When an exchange between it and us last went through, whoever began it.
    public var exchangedAt: Instant?
    /// The last measured time from request to reply of a small exchange.
    public var roundTripSeconds: Double?
    /// Since when it has its state.
    public var stateSince: Instant

    public var identity: Identity? { identityRecord?.record.identity }
    public var catalog: Catalog? { catalogRecord?.record.catalog }
    public var load: Load? { loadRecord?.record.load }
    public var identityVersion: Version? { identityRecord?.record.version }
    public var catalogVersion: Version? { catalogRecord?.record.version }
    public var loadVersion: Version? { loadRecord?.record.version }
}

/// The federation as seen from here at one moment.
public struct MeshView: Sendable, Equatable {
    public var at: Instant
    /// Sorted by id; this node is among them.
    public var nodes: [NodeView]

    public init(at: Instant, nodes: [NodeView]) {
        self.at = at
        self.nodes = nodes
    }

    public subscript(id: NodeID) -> NodeView? {
        var low = 0
        var high = nodes.count
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < nodes.count && nodes[low].id == id ? nodes[low] : nil
    }
}
