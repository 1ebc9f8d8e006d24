import API
import Gossip
import Glibc
import Routing
import Storage
import Trust

/// What the configuration said of who may do what when the node last ran: kept so that the audit log tells when it changed. A digest for
/// each part, in `stateDirectory/policy`; nothing of the rules themselves.
struct PolicyMarks: Equatable {
    private var parts: [String: String] = [:]

    init(_ configuration: NodeConfiguration) {
        add("access") { configuration.access.render(&$0) }
        add("data") { configuration.data.render(&$0) }
        for link in configuration.links { add("the link with \(link.link.federation)") { link.render(&$0) } }
        for token in configuration.tokens {
            add("token \(token.name)") { $0.field(token.sha256, .text(token.role.rawValue)) }
        }
        for model in configuration.models {
            add("model \(model.id)") { out in
                model.access?.render("access", &out)
                model.data.render(&out)
                out.field("policy", .text("\(model.policy.rawValue) \(model.path?.rawValue ?? "")"))
            }
        }
    }

    private mutating func add(_ name: String, _ render: (inout ConfigurationWriter) -> Void) {
        var out = ConfigurationWriter()
        render(&out)
        parts[name] = Digest.hex(Digest.sha256(Array(out.text.utf8)))
    }

    /// Lines of a digest and a name; a name holds no line end.
    private init(text: String) {
        for line in text.split(separator: "\n") {
            let columns = line.split(separator: " ", maxSplits: 1)
            if columns.count == 2 { parts[String(columns[1])] = String(columns[0]) }
        }
    }

    private var text: String { parts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)\n" }.joined() }

    /// What is different, for people; nil: nothing.
    private func changes(since old: PolicyMarks) -> String? {
        let added = parts.keys.filter { old.parts[$0] == nil }.sorted()
        let removed = old.parts.keys.filter { parts[$0] == nil }.sorted()
        let changed = parts.keys.filter { old.parts[$0] != nil && old.parts[$0] != parts[$0] }.sorted()
        let words = [("changed", changed), ("added", added), ("removed", removed)].filter { !$0.1.isEmpty }
        return words.isEmpty ? nil : words.map { "\($0.0): \($0.1.joined(separator: ", "))" }.joined(separator: "; ")
    }

    /// Compares with the last start, writes what changed into the audit log, and keeps this for the next.
    static func note(_ configuration: NodeConfiguration, _ audit: AuditLog, _ log: Logger) {
        let path = configuration.stateDirectory + "/policy"
        let marks = PolicyMarks(configuration)
        do throws(TrustError) {
            let before = access(path, F_OK) == 0 ? String(decoding: try SecretFile.read(path), as: UTF8.self) : nil
            if let before {
                guard let changes = marks.changes(since: PolicyMarks(text: before)) else { return }
                audit.record(
                    .policy, actor: "configuration", subject: "\(configuration.site)/\(configuration.node)", detail: changes)
            }
            try SecretFile.write(path, Array(marks.text.utf8))
        } catch { log.warning("whether the policy changed since the last start cannot be told: \(error)") }
    }
}
