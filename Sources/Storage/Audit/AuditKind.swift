/// What an entry of the audit log is about.
public enum AuditKind: String, Sendable, CaseIterable {
    /// A node joined the federation by this node's word.
    case join
    /// Somebody tried to, and was refused.
    case joinRefused
    /// An invitation was made.
    case invite
    /// A site or node lost the federation's trust.
    case revocation
    /// A certificate was renewed.
    case renewal
    /// The federation's root changed, or a step towards that was taken.
    case rollover
    /// Who may do what was changed.
    case policy
    /// An operator did something to this node.
    case `operator`
    /// Somebody was turned away: a peer, or what a peer said.
    case refusal
    /// An operator's block was set, lifted, or met.
    case block
    /// The log's own affairs: it began, it lost something, a witness disagrees.
    case audit

    /// Whether strangers can cause such entries at will: repeated ones are then counted, not written each.
    var isCounted: Bool { self == .refusal || self == .joinRefused }
}
