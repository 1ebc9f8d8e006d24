import Routing
import Storage
import Transport
import Trust

extension NodeAPI {
    /// Entries or heads in one answer.
    private static let auditLimit = 1000

    private func auditLog() throws(APIError) -> AuditLog {
        guard let audit = facts.audit else { throw APIError(404, code: "no_audit_log", "this node keeps no audit log") }
        return audit
    }

    /// `GET /mesh/audit?after=N&limit=N`: entries in order. Without `after`, the latest.
    func auditEntries(_ call: Call) async throws(APIError) {
        let audit = try auditLog()
        let limit = try number("limit", call, 1...UInt64(Self.auditLimit)) ?? 100
        let head = audit.head
        let after = try number("after", call, 0...UInt64(Int64.max)) ?? (head.sequence > limit ? head.sequence - limit : 0)
        let found: [AuditEntry]
        do throws(StorageError) {
            found = try await audit.entries(after: after, limit: Int(limit))
        } catch { throw unavailable(error) }
        await call.json(
            JSONWriter.object { root in
                root.key("head")
                root.object { describe(head, &$0) }
                root.key("entries")
                root.array { list in for entry in found { list.object { describe(entry, &$0) } } }
            })
    }

    /// `GET /mesh/audit/witnesses?site=S&node=N`: how far the logs of other nodes had come when they told. All that is kept of one node
    /// is in one answer.
    func auditWitnesses(_ call: Call) async throws(APIError) {
        let audit = try auditLog()
        let found: [AuditWitness]
        do throws(StorageError) {
            found = try await audit.witnesses(
                site: call.exchange.query("site"), node: call.exchange.query("node"), limit: Self.auditLimit)
        } catch { throw unavailable(error) }
        await call.json(
            JSONWriter.object { root in
                root.field("witness", "\(router.me)")
                root.key("heads")
                root.array { list in
                    for witness in found {
                        list.object {
                            $0.field("site", witness.site)
                            $0.field("node", witness.node)
                            describe(witness.head, &$0)
                            $0.field("heardAt", Timestamp.text(seconds: witness.heardAt / 1000))
                        }
                    }
                }
            })
    }

    private func describe(_ head: ChainHead, _ writer: inout JSONWriter) {
        writer.field("sequence", head.sequence)
        writer.field("hash", head.hash.hex)
    }

    private func describe(_ entry: AuditEntry, _ writer: inout JSONWriter) {
        writer.field("sequence", entry.sequence)
        writer.field("at", Timestamp.text(milliseconds: entry.at))
        writer.field("firstAt", Timestamp.text(milliseconds: entry.firstAt))
        writer.field("count", entry.count)
        writer.field("kind", entry.kind)
        writer.field("actor", entry.actor)
        writer.field("subject", entry.subject)
        writer.field("detail", entry.detail)
        writer.field("hash", entry.hash.hex)
    }

    private func number(_ name: String, _ call: Call, _ allowed: ClosedRange<UInt64>) throws(APIError) -> UInt64? {
        guard let text = call.exchange.query(name) else { return nil }
        guard let value = UInt64(text), allowed.contains(value) else {
            throw APIError(
                400, code: "invalid_parameter", parameter: name,
                "\(name) takes a number from \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        return value
    }

    private func unavailable(_ error: StorageError) -> APIError {
        control.log(.error, "the audit log cannot be read: \(error)")
        return APIError(
            503, type: "server_error", code: "storage_unavailable", "the audit log cannot be read just now",
            retryAfterSeconds: 5)
    }
}
