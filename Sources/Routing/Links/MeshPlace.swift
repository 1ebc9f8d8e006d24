public import Gossip

/// How a node's mesh port is reached, as its own records say.
public struct MeshPlace: Hashable, Sendable {
    public let node: NodeID
    /// `host:port` or URL.
    public let address: String
    /// A node that takes no calls: its carriers with their addresses. nil: it is called by its own address.
    public let carriers: [Carrier]?

    public struct Carrier: Hashable, Sendable {
        public let node: NodeID
        public let address: String
    }

    public init(node: NodeID, address: String, carriers: [Carrier]? = nil) {
        self.node = node
        self.address = address
        self.carriers = carriers
    }
}

extension MeshView {
    /// nil where the node's own word is not known.
    public func place(of id: NodeID) -> MeshPlace? { self[id].flatMap(place) }

    func place(of node: NodeView) -> MeshPlace? {
        guard let identity = node.identity else { return nil }
        guard let via = identity.via else { return MeshPlace(node: node.id, address: identity.mesh) }
        let known = via.prefix(Identity.carriersAllowed).compactMap { id -> (node: NodeView, mesh: String)? in
            // A carrier that is carried itself would be a loop.
            guard id != node.id, let carrier = self[id], let own = carrier.identity, own.via == nil else { return nil }
            return (carrier, own.mesh)
        }
        let living = known.filter { $0.node.state == .alive || $0.node.state == .suspect }
        return MeshPlace(
            node: node.id, address: identity.mesh,
            carriers: (living.isEmpty ? known : living).map { MeshPlace.Carrier(node: $0.node.id, address: $0.mesh) })
    }
}
