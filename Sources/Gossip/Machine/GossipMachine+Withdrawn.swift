// Nodes that are no longer trusted: the authority refuses their records from now on, and what is held of them goes.

extension GossipMachine {
    /// Drops all that is held of nodes that are no longer trusted. They leave no grave: whether one returns is for the
    /// authority to say, which opens its records.
    ///
    /// - Parameter isWithdrawn: given a node and its identity as held.
    public mutating func forget(
        where isWithdrawn: (NodeID, Identity) -> Bool, now: Instant, wallSeconds: UInt64
    ) -> [Directive] {
        begin(now, wallSeconds)
        let withdrawn = nodes.byName.map { nodes.entries[$0] }.filter { entry in
            entry.hash != myHash && entry.identity.map { isWithdrawn(entry.id, $0) } ?? false
        }
        for entry in withdrawn {
            remove(entry.hash)
            news.removeAll { $0.origin == entry.hash }
            claimsToTell.removeAll { $0.node == entry.id }
            directives.append(.changed(.forgotten(entry.id)))
        }
        return finish()
    }
}

extension Identity {
    /// Whether its parts are no larger than they may be.
    var keepsLimits: Bool {
        scope?.utf8.count ?? 0 <= Self.scopeBytesAllowed && issuers?.count ?? 0 <= Self.issuersAllowed
            && (issuers ?? []).allSatisfy { $0.utf8.count <= Self.issuerBytesAllowed }
            && ledger?.utf8.count ?? 0 <= Self.ledgerBytesAllowed && via?.count ?? 0 <= Self.carriersAllowed
    }
}
