import Gossip
import Routing

extension NodeConfiguration {
    /// The configuration as a commented file. Reading it gives an equal value. Holds no secret: keys are named, not shown.
    func render() -> String {
        var out = ConfigurationWriter()
        out.comment("One node of a MeshNode federation. docs/configuration.md explains every field.")
        out.object(nil) { out in
            out.field("federation", .text(federation))
            out.field("site", .text(site))
            out.field("node", .text(node))
            out.line()
            out.comment("Where it listens: clients at api, other nodes at mesh. Port 0 lets the kernel choose.")
            out.object("listen") { out in
                out.field("api", .text(listen.api.description))
                out.field("mesh", .text(listen.mesh.description))
                out.field("admin", listen.admin.map { .text($0.description) })
            }
            renderAccess(&out)
            renderSettings(&out)
            globusCompute?.render(&out)
            out.line()
            out.comment("What this node offers.")
            out.list("models", models) { out, model in model.render(&out) }
        }
        return out.text
    }

    private func renderAccess(_ out: inout ConfigurationWriter) {
        if advertise != AdvertiseConfiguration() {
            out.comment("What others are told, where it differs.")
            out.object("advertise") { out in
                out.field("api", advertise.api.map { .text($0) })
                out.field("mesh", advertise.mesh.map { .text($0) })
            }
        }
        if let tls {
            out.comment("The API port's own certificate.")
            out.object("tls") { out in
                out.field("certificateFile", .text(tls.certificateFile))
                out.field("keyFile", .text(tls.keyFile))
            }
        }
        if !trustedProxies.isEmpty { out.field("trustedProxies", .texts(trustedProxies.map(\.description))) }
        out.line()
        out.comment("The federation's root, and this node's certificate and key.")
        out.object("trust") { out in
            out.field("caFile", .text(trust.caFile))
            out.field("certificateFile", .text(trust.certificateFile))
            out.field("keyFile", .text(trust.keyFile))
            if let issuer = trust.issuer {
                out.comment("This node is a registration authority: it certifies others.")
                out.object("issuer") { out in
                    out.field("certificateFile", .text(issuer.certificateFile))
                    out.field("keyFile", .text(issuer.keyFile))
                }
            }
        }
        out.line()
        out.comment("Mesh addresses of nodes to join by.")
        out.field("seeds", .texts(seeds.map(\.description)))
        proxy?.render(&out)
        outbound?.render(&out)
        carrier?.render(&out)
        out.field("stateDirectory", .text(stateDirectory))
        out.line()
        out.comment("Who may call: tokens are known by their SHA-256 alone.")
        out.list("tokens", tokens) { out, token in
            out.field("name", .text(token.name))
            out.field("role", .text(token.role.rawValue))
            out.field("sha256", .text(token.sha256))
        }
        authentication.render(&out)
        access.render(&out)
        data.render(&out)
        if !links.isEmpty {
            out.line()
            out.comment("Other federations: what of ours is offered to them, and what of theirs is taken.")
            out.list("links", links) { out, link in link.render(&out) }
        }
        keys.render(&out)
    }

    private func renderSettings(_ out: inout ConfigurationWriter) {
        out.line()
        out.comment("Event loops; 0 is one a core.")
        out.field("loops", .integer(loops))
        out.object("limits") { out in
            out.field("bodyBytes", .integer(limits.bodyBytes))
            out.field("heldBodiesBytes", .integer(limits.heldBodiesBytes))
            out.field("connections", .integer(limits.connections))
            out.field("queueRequests", .integer(limits.queueRequests))
            out.field("queueSeconds", .number(limits.queueSeconds))
        }
        gossip.renderOfNode(&out)
        routing.render(&out)
        out.object("timeouts") { out in
            out.field("headSeconds", .number(timeouts.headSeconds))
            out.field("bodySeconds", .number(timeouts.bodySeconds))
            out.field("idleSeconds", .number(timeouts.idleSeconds))
            out.field("writeSeconds", .number(timeouts.writeSeconds))
            out.field("connectSeconds", .number(timeouts.connectSeconds))
            out.field("firstByteSeconds", .number(timeouts.firstByteSeconds))
            out.field("stallSeconds", .number(timeouts.stallSeconds))
            out.field("startSeconds", .number(timeouts.startSeconds))
            out.field("streamKeepAliveSeconds", .number(timeouts.streamKeepAliveSeconds))
            out.field("linkKeepAliveSeconds", .number(timeouts.linkKeepAliveSeconds))
        }
        out.object("health") { out in
            out.field("intervalSeconds", .number(health.intervalSeconds))
            out.field("timeoutSeconds", .number(health.timeoutSeconds))
        }
        out.object("log") { out in
            out.field("level", .text(log.level.rawValue))
            out.field("format", .text(log.format.rawValue))
        }
        if fips != .off {
            out.comment("All cryptography from OpenSSL's FIPS provider; without it the node does not start.")
            out.field("fips", .text(fips.rawValue))
        }
        audit.render(&out)
        receipts.render(&out)
    }
}

extension ModelConfiguration {
    fileprivate func render(_ out: inout ConfigurationWriter) {
        out.field("id", .text(id))
        if !aliases.isEmpty { out.field("aliases", .texts(aliases)) }
        out.object("backend") { out in
            out.field("path", data.path.map { .text($0.rawValue) })
            switch backend {
            case .openAI(let server):
                out.field("kind", .text(BackendKind.openai.rawValue))
                out.field("url", .text(server.url))
                out.field("keyFile", server.keyFile.map { .text($0) })
                out.field("keyEnvironment", server.keyEnvironment.map { .text($0) })
                out.field("tokenFile", server.tokenFile.map { .text($0) })
                server.tokenCommand?.render(&out)
                out.field("caFile", server.caFile.map { .text($0) })
                out.field("upstreamModel", server.upstreamModel.map { .text($0) })
                out.field("slots", server.slots.map { .integer($0) })
            case .globusCompute(let globus): globus.render(&out)
            case .simulated(let url):
                out.field("kind", .text(BackendKind.simulated.rawValue))
                out.field("url", .text(url))
            case .first(let gateway): gateway.render(&out)
            }
        }
        out.field("repository", description.repository.map { .text($0) })
        out.field("revision", description.revision.map { .text($0) })
        out.field("dtype", description.dtype.map { .text($0) })
        out.field("engine", description.engine.map { .text($0) })
        out.field("contextTokens", description.contextTokens.map { .integer($0) })
        out.field("capabilities", description.capabilities.map { .texts($0.map(\.rawValue)) })
        out.field("policy", .text(policy.rawValue))
        access?.render("access", &out)
        admission.render(&out)
        data.render(&out)
        start?.render(&out)
    }
}
