// Announcements: what changed goes out at once, as versions; whoever lacks them fetches and announces on.

/// A node of which something is new, and who told us.
struct News: Sendable {
    let origin: UInt64
    let from: NodeID?
}

/// An announced version that a peer is about to send.
struct Fetch: Sendable {
    let expected: DigestEntry
    /// Whoever said that it has it.
    let from: UInt64
    let until: Instant
    /// Another that has it too, and is asked when it has not come until then.
    var other: UInt64?
}

extension GossipMachine {
    mutating func tell(_ item: News) {
        newsAt = now
        guard !hasLeft, !news.contains(where: { $0.origin == item.origin }) else { return }
        news.append(item)
    }

    mutating func tell(_ claim: Claim) {
        guard !hasLeft, claimsToTell.count < WireLimits.entries else { return }
        claimsToTell.removeAll { $0.node == claim.node }
        claimsToTell.append(claim)
    }

    /// When the next announcement may go out: spaced, and with room among the peers of a tick.
    var announceDueAt: Instant {
        let spaced = announcedAt?.adding(seconds: settings.announceIntervalSeconds) ?? now
        // Some room is left for looking at those in doubt; but once a round what is new is told.
        let hasRoom = begunInRound + settings.announceFanout <= settings.peersPerTick / 2
        return hasRoom || !hasAnnouncedInRound ? spaced : max(spaced, nextRoundAt)
    }

    /// Tells a few peers of all that is new: the next on the ring of names, so that nobody is left out, and others at random (RingCast).
    /// Each news goes out once; who misses it has the rounds.
    mutating func announceWhatIsDue() {
        guard !news.isEmpty || !claimsToTell.isEmpty else { return }
        guard announceDueAt <= now, !hasLeft else { return }
        // Whoever told us knows it, but only if that is all there is to tell.
        let tellers = Set(news.map(\.from))
        let teller = tellers.count == 1 && claimsToTell.isEmpty ? news.first?.from?.digestHash : nil
        let audience = audience(besides: teller)
        guard !audience.isEmpty else {
            news = []
            claimsToTell = []
            return
        }
        let entries = news.prefix(WireLimits.entries).compactMap { nodes.digest(of: $0.origin) }
        // Room is left for the claims about the receiver.
        let claims = Array(claimsToTell.prefix(WireLimits.claims - 1))
        news.removeFirst(min(news.count, WireLimits.entries))
        claimsToTell.removeFirst(claims.count)
        announcedAt = now
        hasAnnouncedInRound = true
        for hash in audience { exchange(with: hash, .announce(entries), .announce, claims: claims) }
    }

    private mutating func audience(besides teller: UInt64?) -> [UInt64] {
        // The view may be a round old: whoever is gone since is passed over.
        let neighbours = keepsActiveView && !active.isEmpty ? active.neighbours : nodes.neighbours(of: myHash)
        let near = neighbours.filter { $0 != teller && nodes.state(of: $0) == .alive }
        let isWide = nodes.live.count > settings.widerAbove
        // In a large mesh both ways round, so that those whom chance left out are reached from two sides.
        let sure = isWide && near.count > 1 ? [near[0], near[near.count - 1]] : Array(near.prefix(1))
        let others = partners().filter { $0 != teller && !sure.contains($0) }
        return sure + random.pick(settings.announceFanout + (isWide ? 1 : 0) - sure.count, of: others)
    }

    /// What did not come in time from whoever announced it first is asked of another that has it.
    mutating func fetchElsewhere() {
        guard let due = fetchDueAt, due <= now else { return }
        fetchDueAt = fetches.values.filter { $0.other != nil && $0.until > now }.map(\.until).min()
        var wants: [UInt64: [DigestEntry]] = [:]
        for (origin, fetch) in fetches where fetch.until <= now {
            fetches[origin] = nil
            guard let other = fetch.other, held(of: origin).isBehind(fetch.expected), !hasLeft else { continue }
            wants[other, default: []].append(held(of: origin))
            fetches[origin] = Fetch(
                expected: fetch.expected, from: other, until: now.adding(seconds: settings.fetchPatienceSeconds))
        }
        for peer in wants.keys.sorted() {
            let asked = (wants[peer] ?? []).sorted { $0.origin < $1.origin }
            exchange(with: peer, .delta(Delta(wants: asked)), .transfer)
        }
    }

    mutating func forgetOldFetches() {
        guard !fetches.isEmpty else { return }
        fetches = fetches.filter { $0.value.until > now }
    }
}
