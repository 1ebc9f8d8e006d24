import Trust

/// The configuration that `join` writes: small, commented, ready to serve what was found, and said what is missing.
struct NodeFile {
    var federation: String
    var site: String
    var node: String
    var addresses: NodeAddresses
    var seeds: [String]
    var carriers: [String] = []
    var proxy: ProxyConfiguration?
    var findings: Findings
    /// SHA-256 of the operator's first token.
    var operatorDigest: String
    /// The node is the first: it takes others in.
    var isAuthority = false

    /// JSON5; relative paths begin at the file's own folder.
    func render() -> String {
        var out = ConfigurationWriter()
        out.comment("The node \(node) of the site \(site) in the federation \(federation), as join has set it up.")
        out.comment("meshnode check says what is wrong with this file; docs/configuration.md explains every field.")
        out.object(nil) { out in
            out.field("federation", .text(federation))
            out.field("site", .text(site))
            out.field("node", .text(node))
            renderAddresses(&out)
            renderTrust(&out)
            renderUsers(&out)
            renderGlobus(&out)
            renderModels(&out)
        }
        return out.text
    }

    private func renderAddresses(_ out: inout ConfigurationWriter) {
        out.line()
        out.comment("Where it listens: this site's own users at api, other nodes at mesh (let TCP in to that port).")
        out.object("listen") { out in
            out.field("api", .text(addresses.api.description))
            out.field("mesh", .text(addresses.mesh.description))
        }
        if addresses.advertisedAPI != nil || addresses.advertisedMesh != nil {
            out.object("advertise") { out in
                out.field("api", addresses.advertisedAPI.map { .text($0) })
                out.field("mesh", addresses.advertisedMesh.map { .text("https://\($0)") })
            }
        }
        if addresses.api.isLoopback {
            out.comment("To offer the API beyond this machine, listen on another address and give it a certificate:")
            out.comment("tls: { certificateFile: \"api.pem\", keyFile: \"api.key\" },")
        } else {
            out.comment("The API port shows the node's own certificate, which the federation's root vouches for (ca.pem);")
            out.comment("one that browsers know is better where users call from elsewhere.")
            out.object("tls") { out in
                out.field("certificateFile", .text("node.pem"))
                out.field("keyFile", .text("node.key"))
            }
        }
        out.line()
        out.comment("Nodes to join by.")
        out.field("seeds", .texts(seeds))
        if !carriers.isEmpty {
            out.comment("Nobody can connect to this site: these nodes pass connections on to it, unread.")
            out.field("carriers", .texts(carriers))
        }
        proxy?.render(&out)
    }

    private func renderTrust(_ out: inout ConfigurationWriter) {
        out.line()
        out.comment("What it trusts, and proves itself by. The certificate renews itself while the node runs.")
        out.object("trust") { out in
            out.field("caFile", .text("ca.pem"))
            out.field("certificateFile", .text("node.pem"))
            out.field("keyFile", .text("node.key"))
            guard isAuthority else { return }
            out.comment(
                "This node takes others into the federation (meshnode federation invite), and renews their certificates.")
            out.object("issuer") { out in
                out.field("certificateFile", .text("issuer.pem"))
                out.field("keyFile", .text("issuer.key"))
            }
        }
        out.field("stateDirectory", .text("state"))
    }

    private func renderUsers(_ out: inout ConfigurationWriter) {
        out.line()
        out.comment("Who may call this node itself. The token of this operator is in operator.token, for you alone.")
        out.comment("For this site's users: authentication.globus, docs/access.md. Users of other sites need nothing here.")
        out.list("tokens", [operatorDigest]) { out, digest in
            out.field("name", .text("operator"))
            out.field("role", .text("operator"))
            out.field("sha256", .text(digest))
        }
    }

    private func renderGlobus(_ out: inout ConfigurationWriter) {
        guard findings.globusClient != nil || findings.scheduler != nil else { return }
        out.line()
        if let scheduler = findings.scheduler {
            out.comment(
                "\(scheduler) is here: models that run as its jobs are reached through Globus Compute (docs/globus.md).")
        }
        if let client = findings.globusClient {
            out.comment("Credentials for Globus were found in the environment:")
            out.comment("globusCompute: { clientId: \"\(client.id)\", secretEnvironment: \"\(client.secretVariable)\" },")
        }
    }

    private func renderModels(_ out: inout ConfigurationWriter) {
        out.line()
        out.comment(
            "What this site offers to the federation. policy: \"local\" keeps a model for requests that came to this node;")
        out.comment("access: { … } says who may use it (docs/access.md); slots bounds how many requests run at once.")
        let offered = Self.models(findings)
        if offered.isEmpty {
            out.comment("No inference server was found on this machine. One is offered like this:")
            out.comment("{ id: \"llama-8b\", backend: { kind: \"openai\", url: \"http://127.0.0.1:8000/v1\" } },")
        }
        for server in findings.servers where server.models == nil {
            out.comment("\(server.url): \(server.obstacle ?? "its models are not known"). It is offered like this:")
            out.comment("{ id: \"MODEL\", backend: { kind: \"openai\", url: \(Quoting.json(server.url)) } },")
        }
        out.list("models", offered) { out, model in
            out.field("id", .text(model.id))
            out.object("backend") { out in
                out.field("kind", .text("openai"))
                out.field("url", .text(model.url))
            }
        }
    }

    /// Each model once, from the first server that has it.
    static func models(_ findings: Findings) -> [(id: String, url: String)] {
        var seen: Set<String> = []
        return findings.servers.flatMap { server in
            (server.models ?? []).filter { seen.insert($0).inserted }.map { (id: $0, url: server.url) }
        }
    }
}
