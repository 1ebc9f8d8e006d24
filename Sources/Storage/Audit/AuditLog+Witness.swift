import CLinux
import Synchronization
import Trust

/// What of other nodes' heads was handed on to the file lately.
struct WitnessedHeads: Sendable {
    private struct Last: Sendable {
        var head: ChainHead
        var at: UInt64
    }

    private var heads: [String: Last] = [:]

    /// A node's head is taken at most this often.
    static let pauseMilliseconds: UInt64 = 1000

    /// Whether a head is news.
    mutating func takes(_ witness: AuditWitness) -> Bool {
        let name = "\(witness.site)/\(witness.node)"
        if let last = heads[name] {
            guard last.head != witness.head, witness.heardAt >= last.at + Self.pauseMilliseconds else { return false }
        } else if heads.count >= AuditWitness.nodesKept {
            return false
        }
        heads[name] = Last(head: witness.head, at: witness.heardAt)
        return true
    }
}

extension AuditLog {
    /// Keeps what another node says of its own log, soon. Never waits. What contradicts what that node said before is written down.
    // Not inlined: a Mutex must not be locked in an async function that came back from another thread.
    @inline(never)
    public func witness(site: String, node: String, head: ChainHead) {
        let witness = AuditWitness(site: site, node: node, head: head, heardAt: mesh_realtime_ns() / 1_000_000)
        guard witnessed.withLock({ $0.takes(witness) }) else { return }
        Task {
            do throws(StorageError) {
                guard let contradiction = try await shelf.keep(witness) else { return }
                record(.refusal, actor: "\(site)/\(node)", subject: "its audit log", detail: contradiction)
                log("the audit log of \(site)/\(node): \(contradiction)")
            } catch { log("a witness could not be kept: \(error)") }
        }
    }

    /// What this node has kept of others' heads, in order.
    ///
    /// - Parameters:
    ///   - site, node: nil: of all.
    ///   - limit: of heads; of one node not more than `AuditWitness.keptOfNode` are kept.
    public func witnesses(site: String?, node: String?, limit: Int = .max) async throws(StorageError) -> [AuditWitness] {
        try await shelf.witnesses(site: site, node: node, limit: limit)
    }

    /// Written entries in order.
    ///
    /// - Parameters:
    ///   - sequence: those after it.
    ///   - limit: of entries.
    public func entries(after sequence: UInt64, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await shelf.entries(after: sequence, limit: limit)
    }
}
