// Nothing goes out but through here: in the peer's version, within the budget.

extension GossipMachine {
    /// Sends a request to a known node.
    ///
    /// - Returns: whether it goes out.
    @discardableResult
    mutating func exchange(
        with hash: UInt64, _ body: Message.Body, _ purpose: PendingExchange.Purpose, claims: [Claim] = []
    ) -> Bool {
        guard let contact = nodes.contact(of: hash) else { return false }
        return exchange(with: contact, body, purpose, claims: claims)
    }

    @discardableResult
    mutating func exchange(
        with contact: Contact, _ body: Message.Body, _ purpose: PendingExchange.Purpose, claims: [Claim] = [],
        depth: Int = 0
    ) -> Bool {
        guard pending.count < settings.maximumPendingExchanges, contact.node != me else { return false }
        // 1. A conversation of our own counts against the peers of a tick.
        let isForOthers = purpose.isForOthers
        let isFull =
            isForOthers
            ? begunForOthers >= settings.peersPerTick / 4 : begunInRound >= settings.peersPerTick - settings.peersPerTick / 4
        guard depth > 0 || !isFull else {
            counters.exchangesPutOff += 1
            return false
        }
        // 2. Within the budget.
        var told = contact.node.map { self.claims(about: $0) } ?? []
        told.append(contentsOf: (claims + self.claims(with: body)).filter { !told.contains($0) })
        let version = version(for: contact.node)
        if version < 2 { told.removeAll(where: \.isHearsay) }
        let message = Message(body, claims: Array(told.prefix(WireLimits.claims)), version: version)
        let bytes = settings.requestBytes(message)
        guard budget.take(bytes, body.urgency, settings) else {
            counters.exchangesPutOff += 1
            return false
        }
        if depth == 0 {
            if isForOthers { begunForOthers += 1 } else { begunInRound += 1 }
        }
        counters.bytesSent += UInt64(bytes)
        // 3. Out.
        let timeout = timeout(of: purpose) * (contact.node.map(patience) ?? 1)
        lastExchange += 1
        let id = ExchangeID(value: lastExchange)
        pending[id] = PendingExchange(
            contact: contact, purpose: purpose, sentAt: now, lostAt: now.adding(seconds: timeout * 2 + 1), depth: depth)
        counters.exchangesBegun += 1
        directives.append(.exchange(id: id, with: contact, message: message, timeoutSeconds: timeout))
        return true
    }

    /// A reply in the version of the request; an acknowledgement where the budget has no room for more; nil where it has none at all.
    mutating func reply(
        to request: Message, from peer: NodeID, _ body: Message.Body, claims: [Claim] = []
    ) -> Message? {
        let version = min(max(request.version, settings.lowestVersion), settings.highestVersion)
        for choice in [Message(body, claims: claims, version: version), Message(.ack, version: version)] {
            let bytes = settings.answerBytes(choice)
            // No peer gets more than its part.
            let mayGet = choice.body == .ack || standings[peer.digestHash]?.mayGet(bytes, settings, now: now) ?? true
            guard mayGet, budget.take(bytes, choice.body.urgency, settings) else {
                counters.repliesCut += 1
                continue
            }
            counters.bytesSent += UInt64(bytes)
            return choice
        }
        return nil
    }

    /// The highest version that both speak; of a node not known, the lowest that we do.
    private func version(for peer: NodeID?) -> UInt8 {
        guard let peer, let slot = nodes.slot(of: peer.digestHash), let record = nodes.entries[slot].identityRecord else {
            return settings.lowestVersion
        }
        return max(settings.lowestVersion, min(record.gossipVersion, settings.highestVersion))
    }

    /// How much longer than others a node is waited for. Where the network loses much it is not the nodes that are slow.
    private func patience(with id: NodeID) -> Double {
        guard !isLossy, let slot = nodes.slot(of: id.digestHash), nodes.entries[slot].wrongedAt != nil
        else {
            return 1
        }
        return min(1 + nodes.entries[slot].wrongs(settings, now: now), settings.mostPatience)
    }

    private func timeout(of purpose: PendingExchange.Purpose) -> Double {
        switch purpose {
        case .transfer: settings.transferTimeoutSeconds
        // The first sign makes others look, and us try again with more patience.
        case .probe, .announce, .relay: settings.probeTimeoutSeconds * settings.hasteShare * timeoutStretch
        // What a look finds is evidence.
        case .look, .ask, .report, .warn: settings.probeTimeoutSeconds * timeoutStretch
        // Whoever is slow has time to say so.
        case .verify: settings.probeTimeoutSeconds * (isLossy ? 1 : 2) * timeoutStretch
        }
    }

    /// Timeouts are longer while our own health is poor (Lifeguard): up to five times.
    var timeoutStretch: Double {
        let stretch = 1 + Double(healthPenalty) / 2
        return isLossy ? min(stretch, 1.5) : stretch
    }

    /// Whether so much of our exchanges with peers that live fails that it is the network's doing: waiting longer is no use then.
    var isLossy: Bool { losses.mean > settings.lossyShare }

    /// And so are rounds: up to three times.
    var roundStretch: Double { isLossy ? 1 : 1 + Double(healthPenalty) / 4 }

    /// Whether a peer may ask once more; counts it.
    mutating func mayAsk(_ peer: NodeID) -> Bool {
        let hash = peer.digestHash
        guard var standing = standing(of: hash) else { return false }
        standing.forgive(settings, now: now)
        let may = standing.mayAsk(settings, now: now)
        standings[hash] = standing
        return may
    }

    /// Whether one more token of a peer's may be opened; counts it.
    mutating func mayOpen(of peer: NodeID) -> Bool {
        let hash = peer.digestHash
        if standings[hash] == nil { standings[hash] = standing(of: hash) }
        return standings[hash]?.mayOpen(now: now) ?? false
    }

    /// A peer sent what is no message.
    public mutating func onGarbage(from peer: NodeID, now: Instant, wallSeconds: UInt64) -> [Directive] {
        begin(now, wallSeconds)
        counters.requestsRefused += 1
        penalise(peer, RecordRefusal.malformed.penalty)
        return finish()
    }

    mutating func penalise(_ peer: NodeID, _ points: Double) {
        let hash = peer.digestHash
        guard points > 0, peer != me, var standing = standing(of: hash) else { return }
        if standing.penalise(points, settings, now: now) {
            counters.peersGreylisted += 1
            directives.append(.log(.greylisted(peer, score: Int(standing.score))))
        }
        standings[hash] = standing
    }

    /// nil where there is no room for another peer that nobody knows.
    private mutating func standing(of hash: UInt64) -> Standing? {
        if let known = standings[hash] { return known }
        if standings.count >= settings.maximumNodes {
            // Who is not known and has done nothing goes first.
            standings = standings.filter { nodes.contains($0.key) || $0.value.score > 0 }
            guard standings.count < settings.maximumNodes * 2 else { return nil }
        }
        return Standing(settings, now: now)
    }
}
