// Announcements: what changed goes out at once, as versions; whoever lacks them fetches and announces on.

/// A node of which something is new, and who told us.
struct News: Sendable {
    let origin: NodeID
    let from: NodeID?
}

/// An announced version that a peer is about to send.
struct Fetch: Sendable {
    let expected: DigestEntry
    let until: Instant
}

extension GossipMachine {
    mutating func tell(_ item: News) {
        guard !hasLeft, !news.contains(where: { $0.origin == item.origin }) else { return }
        news.append(item)
    }

    mutating func tell(_ claim: Claim) {
        guard !hasLeft else { return }
        claimsToTell.removeAll { $0.node == claim.node }
        claimsToTell.append(claim)
    }

    /// When the next announcement may go out.
    var announceDueAt: Instant {
        announcedAt?.adding(seconds: settings.announceIntervalSeconds) ?? now
    }

    /// Tells a few peers of all that is new. Each news goes out once; who misses it has the rounds.
    mutating func announceWhatIsDue() {
        guard !news.isEmpty || !claimsToTell.isEmpty else { return }
        guard announceDueAt <= now, !hasLeft else { return }
        // Whoever told us knows it, but only if that is all there is to tell.
        let tellers = Set(news.map(\.from))
        let teller = tellers.count == 1 && claimsToTell.isEmpty ? news.first?.from : nil
        let audience = random.pick(settings.announceFanout, of: peers(.alive, .suspect).filter { $0 != teller })
        guard !audience.isEmpty else {
            news = []
            claimsToTell = []
            return
        }
        let entries = news.prefix(WireLimits.entries).compactMap { nodes[$0.origin]?.digest }
        // Room is left for the claims about the receiver.
        let claims = Array(claimsToTell.prefix(WireLimits.claims - 1))
        news.removeFirst(min(news.count, WireLimits.entries))
        claimsToTell.removeFirst(claims.count)
        announcedAt = now
        for id in audience { exchange(with: id, .announce(entries), .announce, claims: claims) }
    }

    mutating func forgetOldFetches() {
        fetches = fetches.filter { $0.value.until > now }
    }
}
