import API
import CLinux
import Gossip
import Routing

/// `meshnode check --policy --as USER --model M`: where a user's requests may run, and why not elsewhere.
enum PolicyCommand {
    static func run(_ invocation: Invocation) throws(CommandFailure) {
        guard let user = invocation.text(.asUser), let model = invocation.text(.policyModel) else {
            throw CommandFailure(
                exitCode: 2, message: "check --policy: say whose requests and for what: --as USER --model M")
        }
        let body: [UInt8]
        if let path = invocation.positional(CommandSpecification.file) {
            if invocation.text(.node) != nil {
                throw CommandFailure(
                    exitCode: 2, message: "check --policy: FILE and --node are both given; allowed: one of them")
            }
            body = Array(try report(path, user, model, invocation).utf8)
        } else {
            var query = "model=\(NodeClient.encoded(model))&as=\(NodeClient.encoded(user))"
            if let domain = invocation.text(.domain) { query += "&domain=\(NodeClient.encoded(domain))" }
            for group in invocation.list(.groups) ?? [] { query += "&group=\(NodeClient.encoded(group.lowercased()))" }
            for name in invocation.list(.dataClass) ?? [] { query += "&class=\(NodeClient.encoded(name))" }
            body = try NodeClient(invocation).get("/mesh/policy?\(query)")
        }
        let answer = try decode(PolicyAnswer.self, body)
        Output.write(invocation.flag(.json) ? String(decoding: body, as: UTF8.self) + "\n" : answer.text)
        if !answer.allowed {
            throw CommandFailure(exitCode: 1, message: "policy lets requests of \(user) for \(model) run nowhere")
        }
    }

    /// What a node's configuration says of its own models.
    private static func report(
        _ path: String, _ user: String, _ model: String, _ invocation: Invocation
    ) throws(CommandFailure) -> String {
        let configuration = try ServeCommand.load(path)
        let candidates = configuration.models.filter { $0.id == model || $0.aliases.contains(model) }.map { configured in
            Candidate(
                node: NodeID(site: configuration.site, node: configuration.node), isLocal: true, nodeState: .alive,
                isDraining: false, variant: configured.variant(of: configuration), load: LiveLoad(),
                api: configuration.advertise.api)
        }
        guard !candidates.isEmpty else {
            let names = configuration.models.map(\.id)
            throw CommandFailure(
                exitCode: 2, message: "\(path) has no model \(Quoting.excerpt(model)); it has \(Quoting.list(names))")
        }
        let nowSeconds = mesh_realtime_ns() / 1_000_000_000
        let described = UserIdentity(
            described: user, domain: invocation.text(.domain),
            groups: (invocation.list(.groups) ?? []).map { $0.lowercased() },
            nowSeconds: nowSeconds)
        var needs = RequestNeeds(model: model)
        needs.user = RequestUser(described)
        needs.nowSeconds = nowSeconds
        do throws(UnknownDataClass) {
            needs.data = try configuration.data.demands(
                of: described, asked: invocation.list(.dataClass) ?? [], nowSeconds: nowSeconds)
        } catch { throw CommandFailure(exitCode: 2, message: "\(error)") }
        return PolicyReport(
            model: candidates[0].variant.id, candidates: candidates, needs: needs,
            entryRefusal: configuration.entryRules.refusal(of: described, nowSeconds: nowSeconds), known: configuration.data
        ).json
    }
}

/// What `PolicyCommand` reads of the answer.
struct PolicyAnswer: Decodable {
    struct Site: Decodable {
        var site: String
        var node: String
        var allowed: Bool
        var reason: String
        var path: String?
        var dataClasses: [String]
        var highAssurance: Bool
    }
    var model: String
    var user: String?
    var allowed: Bool
    var dataClasses: [String]
    var residency: [String]?
    var sites: [Site]

    var text: String {
        var lines = "\(user ?? "nobody") and \(model): " + (allowed ? "allowed\n" : "allowed nowhere\n")
        if !dataClasses.isEmpty { lines += "data classes: \(dataClasses.joined(separator: ", "))\n" }
        if let residency { lines += "data may go to: \(residency.joined(separator: ", "))\n" }
        var table = Table(["SITE", "NODE", "ALLOWED", "PATH", "DATA CLASSES", "ASSURANCE", "WHY"])
        for site in sites {
            table.add([
                site.site, site.node, site.allowed ? "yes" : "no", site.path ?? "-",
                site.dataClasses.isEmpty ? "-" : site.dataClasses.joined(separator: ", "), site.highAssurance ? "high" : "-",
                site.reason,
            ])
        }
        return "\(lines)\n\(table.text)"
    }
}
