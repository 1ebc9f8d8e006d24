import Gossip
import Routing

extension NodeAPI {
    /// `GET /mesh/topology`: the federation as this node sees it.
    func topology(now: UInt64) -> String {
        let view = router.view
        let mesh = view.mesh
        return JSONWriter.object { root in
            root.field("federation", facts.federation)
            root.key("self")
            root.object {
                $0.field("site", router.me.site)
                $0.field("node", router.me.node)
            }
            root.field("at", Timestamp.now)
            root.key("sites")
            root.array { list in
                for (site, nodes) in bySite(mesh) {
                    list.object { entry in
                        entry.field("site", site)
                        entry.key("nodes")
                        entry.array { inner in for node in nodes { describe(node, &inner, now: now) } }
                        entry.key("models")
                        entry.array { inner in models(of: site, in: view, &inner) }
                    }
                }
            }
            root.key("links")
            root.array { list in
                for node in mesh.nodes where node.id != router.me { link(node, &list, now: now) }
            }
        }
    }

    private func bySite(_ mesh: MeshView) -> [(String, [NodeView])] {
        Dictionary(grouping: mesh.nodes) { $0.id.site }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func describe(_ node: NodeView, _ writer: inout JSONWriter, now: UInt64) {
        let isSelf = node.id == router.me
        writer.object {
            $0.field("node", node.id.node)
            $0.field("state", node.state.rawValue)
            $0.field("draining", node.identity?.draining ?? false)
            $0.field("generation", node.generation)
            $0.field("api", node.identity?.api)
            $0.field("mesh", node.identity?.mesh)
            via(of: node, &$0)
            $0.field("version", node.identity?.software)
            $0.field("heardSecondsAgo", isSelf ? 0 : age(node.heardAt, now))
            $0.field("certificateExpires", node.identity.map { Timestamp.text(seconds: $0.certificateExpires) })
        }
    }

    /// Who carries calls to a node that takes none; null for one that does.
    private func via(of node: NodeView, _ writer: inout JSONWriter) {
        guard let carriers = node.identity?.via else { return writer.field("via", nil as String?) }
        writer.field("via", carriers.map(\.description))
    }

    private func models(of site: String, in view: RoutingView, _ writer: inout JSONWriter) {
        for id in view.models {
            guard let routes = view.routes[id] else { continue }
            for candidate in routes.candidates where candidate.node.site == site {
                let load = candidate.load.sample()
                let isKnown = load.heard != 0
                writer.object {
                    $0.field("id", id)
                    $0.field("state", candidate.state.rawValue)
                    $0.field("backend", candidate.variant.backend)
                    $0.field("slots", isKnown ? load.slots : nil)
                    $0.field("running", isKnown ? load.running : nil)
                    $0.field("waiting", isKnown ? load.waiting : nil)
                    $0.field("etaSeconds", candidate.variant.etaSeconds)
                    $0.field("walltimeRemainingSeconds", candidate.variant.walltimeRemainingSeconds)
                }
            }
        }
    }

    private func link(_ node: NodeView, _ writer: inout JSONWriter, now: UInt64) {
        let isBlocked = router.blocks.current?.peer(node.id, nowSeconds: Self.nowSeconds) != nil
        let isUp = (node.state == .alive || node.state == .suspect) && !isBlocked
        writer.object {
            $0.field("from", entry)
            $0.field("to", "\(node.id.site)/\(node.id.node)")
            $0.field("state", isUp ? "up" : "down")
            $0.field("rttMilliseconds", node.roundTripSeconds.map { $0 * 1000 })
            $0.field("exchangedSecondsAgo", node.exchangedAt.map { age($0, now) })
        }
    }

    func age(_ instant: Instant, _ now: UInt64) -> Double {
        now > instant.nanoseconds ? Double(now - instant.nanoseconds) / 1e9 : 0
    }
}
