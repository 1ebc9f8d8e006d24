/// A seed address and, once someone answered there, who it was.
struct Seed: Sendable {
    let address: String
    var node: NodeID?
    /// From the last known mesh: tried only while nobody is alive.
    var isRemembered = false
}

/// An exchange that we began.
struct PendingExchange: Sendable {
    enum Purpose: Sendable, Equatable {
        /// The first message of a round, or a message to one told first: its failure is a sign of death.
        case probe
        /// An announcement; its failure is a sign of death too.
        case announce
        /// The first try of a node that others doubt.
        case look
        /// A try of a suspected node: evidence for or against it.
        case verify
        /// Records; slow for many reasons.
        case transfer
        /// Asking a helper to try `target`.
        case ask(target: NodeID)
        /// Trying `target` for `asker`.
        case relay(target: NodeID, asker: NodeID)
        /// Telling an asker how it went.
        case report
        /// Telling a node what others say of it.
        case warn

        /// Whether others make us do it, who must not use up what we need for ourselves.
        var isForOthers: Bool {
            switch self {
            case .relay, .report, .warn: true
            case .probe, .announce, .look, .verify, .transfer, .ask: false
            }
        }
    }

    let contact: Contact
    let purpose: Purpose
    let sentAt: Instant
    /// When it counts as failed although the shell never said so.
    let lostAt: Instant
    /// Messages exchanged before it in the same conversation.
    let depth: Int
    /// This process stood still meanwhile: failure proves nothing.
    var isBlameless = false
}

/// Peers trying a node for us.
struct IndirectProbe: Sendable {
    var helpers: [NodeID]
    let asked: Int
    /// Own tries that failed meanwhile.
    var failures = 1
    let deadline: Instant
}
