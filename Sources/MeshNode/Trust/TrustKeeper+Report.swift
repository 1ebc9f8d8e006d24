import API
import Gossip
import Routing
import Trust

/// The federation as this node knows it, for people and for commands.
extension TrustKeeper {
    /// `GET /mesh/federation`.
    func describeFederation() async -> String {
        let bundle = ledger.bundle
        let held = ledger.held
        return JSONWriter.object { root in
            root.field("federation", trust.federation)
            root.field("at", Timestamp.now)
            root.key("self")
            root.object {
                $0.field("site", me.site)
                $0.field("node", me.node)
                $0.field("revoked", ownRevocation)
                $0.field("issuer", issuer?.issuer.map { Digest.hex($0.certificate.thumbprint) })
                $0.field("renewals", renewal.renewals)
                $0.field("failedRenewals", renewal.failures)
            }
            root.field("ledger", ledger.digest)
            root.key("bundle")
            root.object { describe(bundle, &$0) }
            root.key("members")
            root.array { list in for node in router.view.mesh.nodes { describe(node, &list) } }
            root.key("admissions")
            root.array { list in for entry in held { describeAdmission(entry, &list) } }
            root.key("revocations")
            root.array { list in for entry in held { describeRevocation(entry, &list) } }
            root.key("statements")
            root.array { list in for entry in held { list.value(String(decoding: entry.token, as: UTF8.self)) } }
        }
    }

    private func describe(_ bundle: TrustBundle, _ writer: inout JSONWriter) {
        writer.field("serial", bundle.serial)
        writer.field("renewBefore", bundle.renewBefore.map { Timestamp.text(seconds: $0) })
        writer.key("roots")
        writer.array { list in for root in bundle.roots { describe(root, &list) } }
        writer.key("siteRoots")
        writer.object { sites in
            for (site, roots) in bundle.siteRoots.sorted(by: { $0.key < $1.key }) {
                sites.key(site)
                sites.array { list in for root in roots { describe(root, &list) } }
            }
        }
    }

    private func describe(_ root: Certificate, _ writer: inout JSONWriter) {
        writer.object {
            $0.field("sha256", Digest.hex(root.thumbprint))
            $0.field("subject", root.subject)
            $0.field("expires", Self.text(root.notAfter))
        }
    }

    private func describe(_ node: NodeView, _ writer: inout JSONWriter) {
        let identity = node.identity
        writer.object {
            $0.field("site", node.id.site)
            $0.field("node", node.id.node)
            $0.field("state", node.state.rawValue)
            $0.field("certificateExpires", identity.map { Timestamp.text(seconds: $0.certificateExpires) })
            $0.field("root", identity.flatMap { trust.gate.proof(of: $0) }.map { Digest.hex($0.root) })
            $0.field("issues", identity?.issues ?? false)
            $0.field("bundle", identity?.bundle ?? 0)
            $0.field("ledger", identity?.ledger)
            $0.field("api", identity?.api)
        }
    }

    private func describeAdmission(_ entry: TrustLedger.Held, _ writer: inout JSONWriter) {
        guard case .admission(let admission) = entry.statement.body else { return }
        writer.object {
            $0.field("site", admission.site)
            $0.field("domains", admission.domains)
            $0.field("nodes", admission.nodes)
            $0.field("serial", entry.statement.serial)
        }
    }

    private func describeRevocation(_ entry: TrustLedger.Held, _ writer: inout JSONWriter) {
        guard case .revocation(let revocation) = entry.statement.body else { return }
        writer.object {
            $0.field("site", revocation.site)
            $0.field("node", revocation.node)
            $0.field("revokedAt", Timestamp.text(seconds: revocation.revokedAt))
            $0.field("expires", Timestamp.text(seconds: revocation.expires))
            $0.field("reason", revocation.reason)
            $0.field("serial", entry.statement.serial)
        }
    }

    /// Lines of Prometheus text.
    func metrics() -> String {
        let own = trust.current.certificate
        var text = gauge(
            "meshnode_certificate_expires_timestamp_seconds", "End of this node's certificate, seconds since 1970.",
            own.notAfter)
        text += gauge(
            "meshnode_trust_bundle_serial", "Serial of the trust bundle in force.", Int64(clamping: ledger.bundle.serial))
        text += gauge("meshnode_trust_statements", "Statements of the federation's operator held.", Int64(ledger.held.count))
        text += gauge("meshnode_revoked", "1 if this node was revoked.", ownRevocation == nil ? 0 : 1)
        text += counter("meshnode_certificate_renewals_total", "Renewals of this node's certificate.", renewal.renewals)
        text += gauge(
            "meshnode_certificate_renewal_failures", "Tries to renew that failed since the last renewal.",
            Int64(renewal.failures))
        let name = "meshnode_peer_certificate_expires_timestamp_seconds"
        text += "# HELP \(name) End of another node's certificate, seconds since 1970.\n# TYPE \(name) gauge\n"
        for node in router.view.mesh.nodes where node.id != me {
            guard let identity = node.identity else { continue }
            text += "\(name){site=\"\(node.id.site)\",node=\"\(node.id.node)\"} \(identity.certificateExpires)\n"
        }
        return text
    }

    private func gauge(_ name: String, _ help: String, _ value: Int64) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \(value)\n"
    }

    private func counter(_ name: String, _ help: String, _ value: Int) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) counter\n\(name) \(value)\n"
    }
}
