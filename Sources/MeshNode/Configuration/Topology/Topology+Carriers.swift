import Gossip

extension Topology {
    /// The nodes that carry calls to an outbound-only site.
    func carriers(of site: Site) -> [NodeID] {
        guard site.outboundOnly else { return [] }
        var found: [NodeID] = []
        for name in site.carriers {
            for other in sites {
                for node in other.nodes where name == other.site || name == "\(other.site)/\(node.node)" {
                    let id = NodeID(site: other.site, node: node.node)
                    if !found.contains(id) { found.append(id) }
                }
            }
        }
        return Array(found.prefix(OutboundConfiguration.carriersAllowed))
    }

    /// Records what is wrong with the carriers of its sites.
    func checkCarriers(_ cursor: ConfigurationCursor) {
        for site in sites {
            guard site.outboundOnly else {
                if !site.carriers.isEmpty {
                    cursor.fail("site \(site.site) has carriers; allowed: only beside outboundOnly: true")
                }
                continue
            }
            if site.carriers.isEmpty {
                cursor.fail("site \(site.site) is outboundOnly; allowed: with carriers: [\"SITE\", \"SITE/NODE\", …]")
            }
            for name in site.carriers {
                let named = sites.filter { other in
                    name == other.site || other.nodes.contains { name == "\(other.site)/\($0.node)" }
                }
                if !named.contains(where: { !$0.outboundOnly }) {
                    cursor.fail(
                        "carrier \(Quoting.excerpt(name)) of site \(site.site) is none; allowed: a site or node of this "
                            + "topology that is not outboundOnly")
                }
            }
        }
    }
}
