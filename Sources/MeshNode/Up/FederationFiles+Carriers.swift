import Gossip

extension FederationFiles {
    func isOutbound(_ site: String) -> Bool { topology.sites.contains { $0.site == site && $0.outboundOnly } }

    /// How the nodes of a site are reached, where they take no calls.
    func outbound(_ site: Topology.Site) -> OutboundConfiguration? {
        let carriers = topology.carriers(of: site)
        guard !carriers.isEmpty else { return nil }
        return OutboundConfiguration(carriers: nodes.filter { carriers.contains($0.id) }.map(\.meshAddress))
    }

    /// Whether a node carries calls for others.
    func carries(_ id: NodeID) -> Bool { topology.sites.contains { topology.carriers(of: $0).contains(id) } }
}
