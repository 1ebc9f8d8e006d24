// Push-pull: a summary first, the digest only of what differs, then the records that either side lacks.

/// Hashes of all that is shared, by bucket.
struct ViewHashes: Sendable {
    var buckets = [UInt64](repeating: 0, count: 64)
    var nodes: UInt32 = 0
    var summary: Summary { Summary(hash: buckets.reduce(0, ^), nodes: nodes) }
}

extension GossipMachine {
    /// A request by another node, proven by its certificate. Returns the reply and what else is to be done.
    public mutating func onExchange(
        _ message: Message, from peer: NodeID, now: Instant, wallSeconds: UInt64, authority: some RecordAuthority
    ) -> (reply: Message, directives: [Directive]) {
        begin(now, wallSeconds)
        counters.exchangesAnswered += 1
        counters.bytesReceived += UInt64(message.encodedByteCount)
        guard peer != me else { return (Message(.ack), finish()) }
        // 1. What we thought of it until now it must be told, since others may have it from us.
        let warnings = claims(about: peer)
        let body = answer(message.body, from: peer, authority)
        heard(from: peer)
        apply(message.claims, from: peer, authority)
        // 2. A node that this very message brought in may have a grave here.
        let told = (warnings.isEmpty ? claims(about: peer) : warnings) + claims(with: message.body) + claims(with: body)
        let reply = Message(body, claims: Array(told.prefix(WireLimits.claims)))
        counters.bytesSent += UInt64(reply.encodedByteCount)
        return (reply, finish())
    }

    /// The reply to one of our requests, from the node that the connection proves.
    public mutating func onReply(
        exchange id: ExchangeID, _ message: Message, from peer: NodeID, now: Instant, wallSeconds: UInt64,
        authority: some RecordAuthority
    ) -> [Directive] {
        begin(now, wallSeconds)
        guard let exchange = pending.removeValue(forKey: id) else { return finish() }
        counters.bytesReceived += UInt64(message.encodedByteCount)
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
        _ body: Message.Body, from peer: NodeID, _ authority: some RecordAuthority
    ) -> Message.Body {
        switch body {
        case .summary(let theirs):
            let mine = viewHashes().summary
            if mine == theirs { return .ack }
            if Int(max(mine.nodes, theirs.nodes)) > settings.bucketNodes { return .buckets(viewHashes().buckets) }
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
            let wants = hasLeft ? [] : wantsOfNews(theirs)
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
        case .summary, .announce, .probe, .ping, .ack:
            break
        }
    }

    /// The next message of a conversation; four are the longest that an honest peer needs.
    private mutating func follow(_ peer: NodeID, _ contact: Contact, _ body: Message.Body, _ depth: Int) {
        guard depth < 4, !hasLeft else { return }
        exchange(with: Contact(node: peer, address: contact.address), body, .transfer, depth: depth)
    }

    /// The budget cut a delta short: another round with the same peer, a bounded number of times.
    private mutating func catchUp(with peer: NodeID, _ contact: Contact) {
        guard catchUpsLeft > 0, !hasLeft else { return }
        catchUpsLeft -= 1
        let contact = Contact(node: peer, address: contact.address)
        exchange(with: contact, .summary(viewHashes().summary), .transfer)
    }

    // MARK: - Beginning

    /// Sends a request to a known node.
    mutating func exchange(
        with id: NodeID, _ body: Message.Body, _ purpose: PendingExchange.Purpose, claims: [Claim] = []
    ) {
        guard let address = nodes[id]?.identity?.mesh else { return }
        exchange(with: Contact(node: id, address: address), body, purpose, claims: claims)
    }

    mutating func exchange(
        with contact: Contact, _ body: Message.Body, _ purpose: PendingExchange.Purpose, claims: [Claim] = [],
        depth: Int = 0
    ) {
        guard pending.count < settings.maximumPendingExchanges, contact.node != me else { return }
        let timeout =
            purpose == .transfer
            ? settings.transferTimeoutSeconds : settings.probeTimeoutSeconds * Double(healthPenalty + 1)
        lastExchange += 1
        let id = ExchangeID(value: lastExchange)
        var told = contact.node.map { self.claims(about: $0) } ?? []
        told.append(contentsOf: (claims + self.claims(with: body)).filter { !told.contains($0) })
        let message = Message(body, claims: Array(told.prefix(WireLimits.claims)))
        pending[id] = PendingExchange(
            contact: contact, purpose: purpose, sentAt: now, lostAt: now.adding(seconds: timeout * 2 + 1), depth: depth)
        counters.exchangesBegun += 1
        counters.bytesSent += UInt64(message.encodedByteCount)
        directives.append(.exchange(id: id, with: contact, message: message, timeoutSeconds: timeout))
    }

    /// The shell owes an answer to each exchange; where it gave none in twice the time, it is taken as failed.
    mutating func expireExchanges() {
        let lost = pending.filter { $0.value.lostAt <= now }.keys.sorted()
        for id in lost {
            if let exchange = pending.removeValue(forKey: id) { failed(exchange) }
        }
    }

    private mutating func measure(_ exchange: PendingExchange, with peer: NodeID) {
        switch exchange.purpose {
        case .probe, .announce:
            nodes[peer]?.roundTripSeconds = now.seconds(since: exchange.sentAt)
            healthPenalty = max(0, healthPenalty - 1)
        default: break
        }
    }
}
