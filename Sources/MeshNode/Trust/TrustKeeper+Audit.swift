import Gossip
import Storage
import Trust

extension TrustKeeper {
    /// What the federation's operator said, into the audit log.
    nonisolated func writeDown(_ statement: Trust.Statement, from peer: NodeID?) {
        let kind: AuditKind =
            switch statement.body {
            case .bundle: .rollover
            case .admission: .policy
            case .revocation: .revocation
            }
        audit.record(
            kind, actor: "the federation's operator", subject: statement.subject,
            detail: "\(statement.summary); by way of \(peer.map { "\($0)" } ?? "the API")")
    }
}
