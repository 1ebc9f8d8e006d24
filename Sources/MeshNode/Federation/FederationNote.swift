import Storage

/// Takes what happened in the federation: for the audit log, and for the log.
typealias FederationNote = @Sendable (_ kind: AuditKind, _ actor: String, _ subject: String, _ detail: String) -> Void
