import FoundationEssentials

/// Whether a federation that was started is ready: every node says so, and each one's catalog holds every model of the topology in
/// the state it was declared to begin in.
struct ReadyCheck {
    let files: FederationFiles

    /// For one answer, and asked again: another program may hold the port, and the node may have ended for that.
    private static let timeoutSeconds: Double = 2

    private struct Catalog: Decodable {
        struct Model: Decodable {
            struct Site: Decodable {
                var site: String
                var node: String
                var state: String
            }
            var id: String
            var sites: [Site]
        }
        var models: [Model]
    }

    /// nil when ready; otherwise the first thing that is missing.
    func missing() -> String? {
        for node in files.nodes {
            do throws(CommandFailure) {
                let client = try NodeClient(
                    node: node.api, token: files.tokens.viewer, timeoutSeconds: Self.timeoutSeconds)
                let ready = try client.fetch("/readyz")
                guard ready.status == 200 else {
                    return "node \(node.id) is not ready: \(String(decoding: ready.body, as: UTF8.self))"
                }
                let catalog = try client.fetch("/mesh/catalog")
                guard catalog.status == 200, let found = try? JSONDecoder().decode(Catalog.self, from: Data(catalog.body))
                else {
                    return "node \(node.id) tells no catalog"
                }
                if let missing = missing(in: found) { return "at node \(node.id): \(missing)" }
            } catch { return "node \(node.id): \(error.message)" }
        }
        return nil
    }

    private func missing(in catalog: Catalog) -> String? {
        for site in files.topology.sites {
            for node in site.nodes {
                for model in site.models {
                    let entry = catalog.models.first { $0.id == model.id }?.sites.first {
                        $0.site == site.site && $0.node == node.node
                    }
                    guard let entry else { return "\(model.id) of \(site.site)/\(node.node) is not in the catalog" }
                    if entry.state != model.state.rawValue {
                        return "\(model.id) of \(site.site)/\(node.node) is \(entry.state), to be \(model.state.rawValue)"
                    }
                }
            }
        }
        return nil
    }
}
