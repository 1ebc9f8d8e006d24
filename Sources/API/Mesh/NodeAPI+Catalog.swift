import Gossip
import Routing

extension NodeAPI {
    /// `GET /mesh/catalog`: which variants of each model there are, where.
    func catalog(now: UInt64) -> String {
        let view = router.view
        return JSONWriter.object { root in
            root.field("at", Timestamp.now)
            root.key("models")
            root.array { list in
                for id in view.models {
                    guard let routes = view.routes[id] else { continue }
                    list.object { entry in
                        entry.field("id", id)
                        entry.key("sites")
                        entry.array { inner in
                            for candidate in routes.candidates { describe(candidate, view.mesh, &inner, now: now) }
                        }
                    }
                }
            }
        }
    }

    private func describe(_ candidate: Candidate, _ mesh: MeshView, _ writer: inout JSONWriter, now: UInt64) {
        let node = mesh[candidate.node]
        let variant = candidate.variant
        writer.object {
            $0.field("site", candidate.node.siteName)
            $0.field("node", candidate.node.node)
            $0.field("state", candidate.state.rawValue)
            $0.field("stateReason", variant.stateReason)
            $0.field("etaSeconds", variant.etaSeconds)
            $0.field("startsFor", variant.start?.sites ?? [])
            $0.field("kept", variant.start?.isKept ?? false)
            $0.field("backend", variant.backend)
            $0.field("directFor", variant.direct?.entrySites ?? [])
            $0.field("aliases", variant.aliases)
            $0.field("contextTokens", variant.contextTokens.value)
            $0.field("capabilities", variant.capabilities.value ?? [])
            $0.field("policy", variant.policy)
            $0.field("highAssurance", variant.highAssurance)
            $0.field("dataClasses", variant.dataClasses)
            $0.field("path", variant.path?.rawValue)
            $0.key("version")
            $0.object {
                $0.field("generation", node?.catalogVersion?.generation)
                $0.field("sequence", node?.catalogVersion?.sequence)
            }
            $0.field("ageSeconds", candidate.isLocal ? 0 : node.map { age($0.heardAt, now) })
            fact("repository", variant.repository, &$0)
            fact("revision", variant.revision, &$0)
            fact("dtype", variant.dtype, &$0)
            fact("engine", variant.engine, &$0)
            fact("engineVersion", variant.engineVersion, &$0)
            $0.key("provenance")
            $0.object {
                $0.field("contextTokens", variant.contextTokens.provenance.rawValue)
                $0.field("capabilities", variant.capabilities.provenance.rawValue)
            }
        }
    }

    private func fact(_ name: String, _ fact: Fact<String>, _ writer: inout JSONWriter) {
        writer.key(name)
        writer.object {
            $0.field("value", fact.value)
            $0.field("provenance", fact.provenance.rawValue)
        }
    }

    /// `GET /mesh/load`: how busy each model is, as far as is known here.
    func load(now: UInt64) -> String {
        let view = router.view
        return JSONWriter.object { root in
            root.field("at", Timestamp.now)
            root.key("sites")
            root.array { list in
                for node in view.mesh.nodes {
                    let isSelf = node.id == router.me
                    list.object { entry in
                        entry.field("site", node.id.site)
                        entry.field("node", node.id.node)
                        entry.field("ageSeconds", isSelf ? 0 : node.loadHeardAt.map { age($0, now) })
                        entry.key("models")
                        entry.array { inner in loads(of: node, in: view, &inner) }
                    }
                }
            }
        }
    }

    private func loads(of node: NodeView, in view: RoutingView, _ writer: inout JSONWriter) {
        for id in view.models {
            guard let candidate = view.routes[id]?.candidates.first(where: { $0.node == node.id }) else { continue }
            let sample = candidate.load.sample()
            guard sample.heard != 0 else { continue }
            let told = node.load?.models.first { $0.id == id }
            writer.object {
                $0.field("id", id)
                $0.field("slots", sample.slots)
                $0.field("running", sample.running)
                $0.field("waiting", sample.waiting)
                $0.field("tokensPerSecond", told?.tokensPerSecond)
                $0.field("queueSeconds", told?.queueSeconds)
                $0.field("timeToFirstTokenSeconds", told?.timeToFirstTokenSeconds)
                $0.field("walltimeRemainingSeconds", told?.walltimeRemainingSeconds)
            }
        }
    }
}
