import Gossip
import Routing
import Transport

/// Where gossip's connections go, made once for each address: an upstream is what the pool keeps connections by.
struct PeerUpstreams {
    private let links: MeshLinks
    private var byAddress: [String: Upstream] = [:]
    private var carried: [NodeID: (place: MeshPlace, upstream: Upstream)] = [:]

    /// Addresses come from peers' records: bounded.
    private static let kept = 8192

    init(_ links: MeshLinks) { self.links = links }

    /// - Parameter view: tells who is reached over carriers.
    /// - Returns: nil if the address is none.
    mutating func upstream(for contact: Contact, in view: RoutingView) -> Upstream? {
        if let node = contact.node, let place = view.mesh.place(of: node), place.carriers != nil { return carried(place) }
        if let known = byAddress[contact.address] { return known }
        guard let made = links.upstream(at: contact.address) else { return nil }
        if byAddress.count >= Self.kept { byAddress.removeAll() }
        byAddress[contact.address] = made
        return made
    }

    private mutating func carried(_ place: MeshPlace) -> Upstream? {
        let known = carried[place.node]
        if let known, known.place == place { return known.upstream }
        guard let made = links.upstream(to: place, known: known?.upstream) else { return nil }
        if carried.count >= Self.kept { carried.removeAll() }
        carried[place.node] = (place, made)
        return made
    }
}
