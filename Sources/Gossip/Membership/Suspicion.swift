/// A doubt about one node, and who shares it (Lifeguard's LHA-Suspicion).
struct Suspicion: Sendable {
    var startedAt: Instant
    let leastSeconds: Double
    let mostSeconds: Double
    /// Confirmations that bring it from most to least; 0: it is the least from the start.
    let needed: Int
    var accusers: [NodeID]
    /// Own tries that failed since the node was last heard.
    var failures = 0
    /// Our own finding, which others are to know; else another's that we found true.
    var isOwn = true
    /// Another node has come to its verdict.
    var isDecided = false

    /// Tries and confirmations, each the same evidence.
    var findings: Int { failures + min(accusers.count - 1, 3) }

    var deadline: Instant {
        guard needed > 0 else { return startedAt.adding(seconds: leastSeconds) }
        let confirmations = min(accusers.count - 1, needed)
        let part = binaryLogarithm(Double(confirmations + 1)) / binaryLogarithm(Double(needed + 1))
        return startedAt.adding(seconds: mostSeconds - (mostSeconds - leastSeconds) * part)
    }

    mutating func confirm(by accuser: NodeID) -> Bool {
        guard accusers.count <= needed, !accusers.contains(accuser) else { return false }
        accusers.append(accuser)
        return true
    }
}

/// What others say of a node that we have not found ourselves: reason to look, no verdict.
struct Doubt: Sendable {
    /// Those who say so of their own finding.
    var accusers: [NodeID]
    /// Whoever told us first.
    let bringer: NodeID
    let since: Instant
    let until: Instant
    /// When the node is to be tried.
    var tryAt: Instant
    /// Someone has come to its verdict, and does not only suspect.
    var isDecided: Bool
}
