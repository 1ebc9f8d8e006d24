/// Takes what happened in the federation for the audit log: kind, actor, subject, detail.
typealias FederationNote = @Sendable (_ kind: FederationEvent, _ actor: String, _ subject: String, _ detail: String) -> Void

/// Kinds of what happens where nodes join.
enum FederationEvent: String, Sendable {
    case invite, join, joinRefused

    /// For the log.
    var words: String {
        switch self {
        case .invite: "invited"
        case .join: "joined"
        case .joinRefused: "join refused"
        }
    }
}
