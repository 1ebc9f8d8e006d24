// Push-pull: a summary first, the digest only of what differs, then the records that either side lacks.

extension GossipMachine {
    /// A request by another node, proven by its certificate. Returns the reply and what else is to be done; without a reply it is to
    /// be refused in the fewest bytes, and the connection to be ended: the peer asks too often, or we have sent too much.
    public mutating func onExchange(
        _ message: Message, from peer: NodeID, now: Instant, wallSeconds: UInt64, authority: some RecordAuthority
    ) -> (reply: Message?, directives: [Directive]) {
        begin(now, wallSeconds)
        guard peer != me else { return (reply(to: message, from: peer, .ack), finish()) }
        // 1. May it ask?
        guard mayAsk(peer) else {
            counters.requestsRefused += 1
            return (nil, finish())
        }
        counters.exchangesAnswered += 1
        counters.bytesReceived += UInt64(settings.requestBytes(message))
        guard !isGreylisted(peer) else {
            heard(from: peer)
            return (reply(to: message, from: peer, .ack), finish())
        }
        // 2. What we thought of it until now it must be told, since others may have it from us.
        let warnings = claims(about: peer)
        let body = answer(message, from: peer, authority)
        heard(from: peer)
        apply(message.claims, from: peer, authority)
        // 3. A node that this very message brought in may have a grave here.
        let told = (warnings.isEmpty ? claims(about: peer) : warnings) + claims(with: message.body) + claims(with: body)
        return (reply(to: message, from: peer, body, claims: Array(told.prefix(WireLimits.claims))), finish())
    }

    /// The reply to one of our requests, from the node that the connection proves.
    public mutating func onReply(
        exchange id: ExchangeID, _ message: Message, from peer: NodeID, now: Instant, wallSeconds: UInt64,
        authority: some RecordAuthority
    ) -> [Directive] {
        begin(now, wallSeconds)
        guard let exchange = pending.removeValue(forKey: id) else {
            // Given up, but it is an answer.
            heard(from: peer)
            return finish()
        }
        counters.bytesReceived += UInt64(settings.answerBytes(message))
        // 1. Who is it?
        noteSeed(exchange.contact.address, is: peer)
        guard peer != me else { return finish() }
        if let expected = exchange.contact.node, expected != peer {
            directives.append(.log(.wrongNode(expected: expected, found: peer)))
            failed(exchange)
            return finish()
        }
        // 2. It lives.
        heard(from: peer)
        measure(exchange, with: peer)
        if case .relay(let target, let asker) = exchange.purpose { report(target, reachable: true, to: asker) }
        // 3. What it says.
        guard !isGreylisted(peer) else { return finish() }
        proceed(message.body, after: exchange, with: peer, authority)
        apply(message.claims, from: peer, authority)
        return finish()
    }

    /// One of our requests got no reply: refused, reset, timed out, or the peer's certificate was not accepted.
    public mutating func onExchangeFailed(_ id: ExchangeID, now: Instant, wallSeconds: UInt64) -> [Directive] {
        begin(now, wallSeconds)
        if let exchange = pending.removeValue(forKey: id) { failed(exchange) }
        return finish()
    }

    // MARK: - Answering

    private mutating func answer(
        _ message: Message, from peer: NodeID, _ authority: some RecordAuthority
    ) -> Message.Body {
        switch message.body {
        case .summary(let theirs):
            let mine = nodes.hashes.summary
            if mine == theirs { return .ack }
            // In a small mesh a newcomer gets all at once.
            if keepsActiveView, isQuarantined(peer), !hasLeft { return .delta(introduction(of: peer)) }
            // Most of the time it is only a change that is still on its way. Version 1 knows no announcement as an answer.
            if message.version > 1, let behind = nodes.changes(since: theirs.hash) {
                return .announce(behind.compactMap { nodes.digest(of: $0) })
            }
            if Int(max(mine.nodes, theirs.nodes)) > settings.bucketNodes { return .buckets(nodes.hashes.buckets) }
            return .digest(mask: .max, digest(mask: .max))
        case .buckets(let theirs):
            let mask = differing(theirs)
            return mask == 0 ? .ack : .digest(mask: mask, digest(mask: mask))
        case .digest(let mask, let theirs):
            return .delta(difference(mask: mask, theirs, with: peer))
        case .delta(let delta):
            accept(delta, from: peer, authority)
            return delta.wants.isEmpty ? .ack : .delta(wanted(delta.wants, by: peer, isNews: false))
        case .announce(let theirs):
            let wants = hasLeft || isQuarantined(peer) ? [] : wantsOfNews(theirs, from: peer)
            return wants.isEmpty ? .ack : .delta(Delta(wants: wants))
        case .probe(let target):
            return tryFor(peer, target)
        case .probeResult(let target, let reachable):
            onProbeResult(target, reachable: reachable, from: peer)
            return .ack
        case .ping, .ack:
            return .ack
        }
    }

    /// A peer of which no identity was proven yet takes part in nothing but bringing it.
    func isQuarantined(_ peer: NodeID) -> Bool {
        nodes.slot(of: peer.digestHash).map { nodes.entries[$0].identityRecord == nil } ?? true
    }

    // MARK: - Going on after a reply

    private mutating func proceed(
        _ body: Message.Body, after exchange: PendingExchange, with peer: NodeID, _ authority: some RecordAuthority
    ) {
        let depth = exchange.depth + 1
        switch body {
        case .buckets(let theirs):
            let mask = differing(theirs)
            if mask != 0 { follow(peer, exchange.contact, .digest(mask: mask, digest(mask: mask)), depth) }
        case .digest(let mask, let theirs):
            let delta = difference(mask: mask, theirs, with: peer)
            if !delta.items.isEmpty || !delta.wants.isEmpty { follow(peer, exchange.contact, .delta(delta), depth) }
            if delta.hasMore, delta.wants.isEmpty { catchUp(with: peer, exchange.contact) }
        case .delta(let delta):
            accept(delta, from: peer, authority)
            if !delta.wants.isEmpty {
                let items = wanted(delta.wants, by: peer, isNews: exchange.purpose == .announce)
                if !items.items.isEmpty { follow(peer, exchange.contact, .delta(items), depth) }
            }
            if delta.hasMore { catchUp(with: peer, exchange.contact) }
        case .probeResult(let target, let reachable):
            if exchange.purpose == .ask(target: target) { onProbeResult(target, reachable: reachable, from: peer) }
        case .announce(let theirs):
            let wants = wantsOfNews(theirs, from: peer)
            if !wants.isEmpty { follow(peer, exchange.contact, .delta(Delta(wants: wants)), depth) }
        case .summary, .probe, .ping, .ack:
            break
        }
    }

    /// The next message of a conversation; four are the longest that an honest peer needs.
    private mutating func follow(_ peer: NodeID, _ contact: Contact, _ body: Message.Body, _ depth: Int) {
        guard depth < 4, !hasLeft else { return }
        exchange(with: Contact(node: peer, address: contact.address), body, .transfer, depth: depth)
    }

    /// The limits cut a delta short: another round at once, a bounded number of times. With anyone rather than with the same peer, which
    /// may be a seed that a thousand others have come to.
    private mutating func catchUp(with peer: NodeID, _ contact: Contact) {
        guard catchUpsLeft > 0, !hasLeft else { return }
        catchUpsLeft -= 1
        var next = Contact(node: peer, address: contact.address)
        if let slot = nodes.live.randomElement(using: &random), nodes.entries[slot].state == .alive,
            let address = nodes.entries[slot].identityRecord?.mesh
        {
            next = Contact(node: nodes.entries[slot].id, address: address)
        }
        exchange(with: next, .summary(nodes.hashes.summary), .transfer, depth: 1)
    }

    // MARK: - Failure

    /// The shell owes an answer to each exchange; where it gave none in twice the time, it is taken as failed.
    mutating func expireExchanges() {
        guard pending.contains(where: { $0.value.lostAt <= now }) else { return }
        let lost = pending.filter { $0.value.lostAt <= now }.keys.sorted()
        for id in lost {
            if let exchange = pending.removeValue(forKey: id) { failed(exchange) }
        }
    }

    private mutating func measure(_ exchange: PendingExchange, with peer: NodeID) {
        switch exchange.purpose {
        case .probe, .announce:
            nodes.touch(peer.digestHash) { $0.roundTripSeconds = now.seconds(since: exchange.sentAt) }
            healthPenalty = max(0, healthPenalty - 1)
            losses.learn(failed: false)
            losses.note(peer.digestHash, failed: false)
        default: break
        }
    }
}
