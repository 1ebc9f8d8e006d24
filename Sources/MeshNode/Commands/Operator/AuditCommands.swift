import FoundationEssentials
import Storage
import Trust

/// `meshnode audit list`: the newest entries of a running node.
enum AuditListCommand {
    struct Entry: Decodable {
        var sequence: UInt64
        var at: String
        var count: UInt64
        var kind: String
        var actor: String
        var subject: String
        var detail: String
    }

    private struct Entries: Decodable { var entries: [Entry] }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        var query = "limit=\(invocation.integer(.limit) ?? 100)"
        if let after = invocation.integer(.after) { query += "&after=\(after)" }
        let body = try NodeClient(invocation).get("/mesh/audit?\(query)")
        if invocation.flag(.json) { return Output.write(String(decoding: body, as: UTF8.self) + "\n") }
        var table = Table(["ENTRY", "AT", "KIND", "TIMES", "BY", "ON", "WHAT"])
        for entry in try decode(Entries.self, body).entries {
            table.add([
                "\(entry.sequence)", entry.at, entry.kind, "\(entry.count)", entry.actor,
                entry.subject.isEmpty ? "-" : entry.subject, entry.detail,
            ])
        }
        Output.write(table.isEmpty ? "no entries\n" : table.text)
    }
}

/// `meshnode audit verify`: whether the log on this machine is as it was written, and as others witnessed it.
enum AuditVerifyCommand {
    private struct Result: Encodable {
        var ok: Bool
        var node: String
        /// Of the oldest entry that is there, and of the newest.
        var first: UInt64
        var last: UInt64
        var hash: String
        var witnessed: Int
        var breaksAt: UInt64?
        var reason: String?
    }

    private struct Heads: Decodable {
        struct Head: Decodable {
            var site: String
            var node: String
            var sequence: UInt64
            var hash: String
        }
        var heads: [Head]
    }

    static func run(_ invocation: Invocation) throws(CommandFailure) {
        Signals.unblock()
        let configuration = try ServeCommand.load(invocation.text(.config) ?? "")
        var heads: [ChainHead] = []
        for witness in invocation.list(.witness) ?? [] {
            let found = try ask(witness, configuration, invocation)
            if found.isEmpty {
                Output.note("\(witness) has witnessed nothing of \(configuration.site)/\(configuration.node)")
            }
            heads += found
        }
        let report: AuditVerification
        do throws(StorageError) {
            report = try AuditVerification.check(directory: configuration.stateDirectory, witnessed: heads)
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        guard report.federation == configuration.federation, report.site == configuration.site,
            report.node == configuration.node
        else {
            throw CommandFailure(
                exitCode: 1, message: "the audit log is that of \(report.site)/\(report.node) in \(report.federation)")
        }
        let name = "\(report.site)/\(report.node)"
        if invocation.flag(.json) {
            Output.write(
                try encode(
                    Result(
                        ok: report.fault == nil, node: name, first: report.start.sequence + 1, last: report.head.sequence,
                        hash: report.head.hash.hex, witnessed: report.witnesses, breaksAt: report.fault?.sequence,
                        reason: report.fault?.message)))
        }
        if let fault = report.fault {
            throw CommandFailure(
                exitCode: 1, message: "the audit log of \(name) breaks at entry \(fault.sequence): \(fault.message)")
        }
        guard !invocation.flag(.json) else { return }
        let older = report.start.sequence > 0 ? " (older files were removed)" : ""
        Output.write(
            "the audit log of \(name) is whole: entries \(report.start.sequence + 1) to \(report.head.sequence)\(older), "
                + "\(report.witnesses) witnessed heads agree; last hash \(report.head.hash.hex)\n")
    }

    /// What a node has kept of this one's heads.
    private static func ask(
        _ witness: String, _ configuration: NodeConfiguration, _ invocation: Invocation
    ) throws(CommandFailure) -> [ChainHead] {
        var asked = invocation
        asked.values[OptionSpecification.node.name] = witness
        let query =
            "site=\(NodeClient.encoded(configuration.site))&node=\(NodeClient.encoded(configuration.node))"
        let body = try NodeClient(asked).get("/mesh/audit/witnesses?\(query)")
        var heads: [ChainHead] = []
        for head in try decode(Heads.self, body).heads
        where head.site == configuration.site && head.node == configuration.node {
            guard let hash = SHA256Digest(hex: head.hash) else {
                throw CommandFailure(exitCode: 1, message: "\(witness): a witnessed head has no hash")
            }
            heads.append(ChainHead(sequence: head.sequence, hash: hash))
        }
        return heads
    }
}
