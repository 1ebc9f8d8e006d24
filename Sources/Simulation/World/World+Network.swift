import Gossip

// One exchange from end to end: out, in, answered, and back, or not.

extension World {
    /// Sends a machine's request.
    mutating func send(
        _ message: Message, from: Int, exchange: ExchangeID?, to contact: Contact, timeoutSeconds: Double
    ) {
        let to = SimulatedNode.index(in: contact.address) ?? -1
        let bytes = scenario.settings.requestBytes(message)
        let deadline = now + VirtualTime.nanoseconds(timeoutSeconds)
        if exchange != nil {
            nodes[from].pending += 1
            if nodes[from].pending > scenario.settings.maximumPendingExchanges {
                // A machine counts no longer what should have ended long ago, though its shell was held up and has not said so.
                nodes[from].pending = 1 + flights.awaited(by: from, epoch: nodes[from].epoch, at: now)
            }
            nodes[from].sent.exchanges += 1
            if let text = guards.sent(
                message, bytes: bytes, by: from, isRequest: true, pending: nodes[from].pending, now: now)
            {
                fail(.cap, "\(nodes[from].id) \(text)")
            }
        }
        if let trace { trace(TraceLine(at: now, .request(nodes[from].id, contact, message, bytes: bytes))) }
        let slot = flights.add(
            Flight(
                from: Int32(from), to: Int32(to), epoch: nodes[from].epoch, message: message, exchange: exchange,
                deadline: deadline))
        guard to >= 0, to < nodes.count else { return lose(slot) }
        dispatch(slot, bytes: bytes)
    }

    /// Finds the way of a request.
    private mutating func dispatch(_ slot: Int, bytes: Int) {
        let from = Int(flights[slot].from)
        let to = Int(flights[slot].to)
        let path = network.pathSeconds(from, to, seed: seed)
        let pathTime = VirtualTime.nanoseconds(path)
        // 1. A connection.
        guard wiring.canAsk(from, to), nodes[to].isRunning || !nodes[to].isSilent else {
            links.close(from, to)
            return lose(slot)
        }
        guard nodes[to].isRunning else {
            links.close(from, to)
            return refuse(slot, at: now + 2 * pathTime)
        }
        var delay: UInt64 = 0
        if !network.datagrams {
            guard accepts(from, to), accepts(to, from) else {
                links.close(from, to)
                return refuse(slot, at: now + 4 * pathTime)
            }
            let isKept = links.use(
                from, to, dialler: nodes[from].epoch, listener: nodes[to].epoch, now: now,
                keptFor: VirtualTime.nanoseconds(network.idleLinkSeconds))
            if isKept {
                flights[slot].keptEpoch = nodes[to].epoch
            } else {
                countHandshake(from, to)
                switch network.handshake(pathSeconds: path, &random) {
                case .arrives(let after): delay = after
                case .breaks(let after):
                    links.close(from, to)
                    return refuse(slot, at: now + after)
                case .vanishes: return lose(slot)
                }
            }
        }
        // 2. The message.
        guard let taken = transmission(bytes, by: from, until: flights[slot].deadline) else { return lose(slot) }
        delay += taken
        count(bytes, by: from)
        if network.exchangeFailure > 0, random.unit() < network.exchangeFailure { return lose(slot) }
        switch network.passage(bytes: bytes, pathSeconds: path, &random) {
        case .arrives(let after):
            arrive(.request, slot, at: now + delay + after)
            if network.duplication > 0, random.unit() < network.duplication {
                duplicate(slot, after: delay + after + pathTime)
            }
        case .breaks(let after):
            links.close(from, to)
            refuse(slot, at: now + delay + after)
        case .vanishes: lose(slot)
        }
    }

    /// A request has reached its receiver.
    mutating func request(_ event: Event) {
        guard flights.holds(event) else { return }
        let slot = Int(event.flight)
        let to = Int(event.subject)
        let from = Int(flights[slot].from)
        guard wiring.canAsk(from, to) else { return lose(slot) }
        let isOtherLife = flights[slot].keptEpoch.map { $0 != nodes[to].epoch } ?? false
        guard nodes[to].isRunning, !isOtherLife else {
            if !nodes[to].isRunning, nodes[to].isSilent { return lose(slot) }
            links.close(from, to)
            return refuse(slot, at: now + VirtualTime.nanoseconds(network.pathSeconds(from, to, seed: seed)))
        }
        flights[slot].keptEpoch = nodes[to].epoch
        guard isItsTurn(event, to) else { return }
        flights[slot].isUnderway = false
        guard let message = reread(flights[slot].message) else {
            links.close(from, to)
            return refuse(slot, at: now + VirtualTime.nanoseconds(network.pathSeconds(from, to, seed: seed)))
        }
        var answer: Message?
        let peer = nodes[from].id
        act(to) { machine, moment in
            let result = machine.onExchange(
                message, from: peer, now: moment.now, wallSeconds: moment.wallSeconds, authority: moment.authority)
            answer = result.reply
            return result.directives
        }
        respond(slot, with: answer)
    }

    private mutating func respond(_ slot: Int, with answer: Message?) {
        let from = Int(flights[slot].from)
        let to = Int(flights[slot].to)
        let path = network.pathSeconds(from, to, seed: seed)
        guard var answer else {
            links.close(from, to)
            return refuse(slot, at: now + VirtualTime.nanoseconds(path))
        }
        if nodes[to].misbehaviour == .withhold { answer = answer.withholding }
        let bytes = scenario.settings.answerBytes(answer)
        if let text = guards.sent(answer, bytes: bytes, by: to, isRequest: false, pending: nodes[to].pending, now: now) {
            fail(.cap, "\(nodes[to].id) \(text)")
        }
        if let trace { trace(TraceLine(at: now, .answer(nodes[to].id, nodes[from].id, answer, bytes: bytes))) }
        guard flights[slot].isAwaited else {
            count(bytes, by: to)
            return flights.settle(slot)
        }
        guard let delay = transmission(bytes, by: to, until: flights[slot].deadline) else { return lose(slot) }
        count(bytes, by: to)
        guard wiring.isOpen(to, from) else { return lose(slot) }
        flights[slot].message = answer
        switch network.passage(bytes: bytes, pathSeconds: path, &random) {
        case .arrives(let after): arrive(.reply, slot, at: now + delay + after)
        case .breaks(let after):
            links.close(from, to)
            refuse(slot, at: now + delay + after)
        case .vanishes: lose(slot)
        }
    }

    /// A reply has reached the node that asked.
    mutating func reply(_ event: Event) {
        guard flights.holds(event), flights[Int(event.flight)].isAwaited else { return }
        let slot = Int(event.flight)
        let from = Int(flights[slot].from)
        guard isSameLife(slot) else { return end(slot) }
        guard event.isServed || wiring.isOpen(Int(flights[slot].to), from) else { return lose(slot) }
        guard isItsTurn(event, from) else { return }
        let exchange = flights[slot].exchange
        let peer = nodes[Int(flights[slot].to)].id
        let message = reread(flights[slot].message)
        end(slot)
        guard let exchange else { return }
        act(from) { machine, moment in
            guard let message else {
                return machine.onExchangeFailed(exchange, now: moment.now, wallSeconds: moment.wallSeconds)
            }
            return machine.onReply(
                exchange: exchange, message, from: peer, now: moment.now, wallSeconds: moment.wallSeconds,
                authority: moment.authority)
        }
    }

    /// The connection broke, or the time is up.
    mutating func failed(_ event: Event) {
        guard flights.holds(event), flights[Int(event.flight)].isAwaited else { return }
        let slot = Int(event.flight)
        let from = Int(flights[slot].from)
        guard isSameLife(slot) else { return end(slot) }
        if nodes[from].isPaused { return nodes[from].inbox.append(event) }
        if nodes[from].busyUntil > now, !event.isServed { return postpone(event, to: nodes[from].busyUntil, isServed: true) }
        links.close(from, Int(flights[slot].to))
        let exchange = flights[slot].exchange
        end(slot)
        guard let exchange else { return }
        if let trace { trace(TraceLine(at: now, .failure(nodes[from].id, exchange, isTimeout: event.kind == .timeout))) }
        act(from) { machine, moment in
            machine.onExchangeFailed(exchange, now: moment.now, wallSeconds: moment.wallSeconds)
        }
    }

    // MARK: - Ends

    private func isSameLife(_ slot: Int) -> Bool {
        let from = Int(flights[slot].from)
        return nodes[from].isRunning && nodes[from].epoch == flights[slot].epoch
    }

    /// The sender has been told, or cannot be told any more.
    private mutating func end(_ slot: Int) {
        let from = Int(flights[slot].from)
        if flights[slot].exchange != nil, nodes[from].epoch == flights[slot].epoch {
            nodes[from].pending = max(nodes[from].pending - 1, 0)
        }
        flights[slot].isAwaited = false
        flights.settle(slot)
    }

    /// Nothing comes back: the sender learns by its own patience.
    private mutating func lose(_ slot: Int) {
        flights[slot].isUnderway = false
        expectTimeout(slot)
        flights.settle(slot)
    }

    private mutating func refuse(_ slot: Int, at moment: UInt64) {
        flights[slot].isUnderway = false
        guard flights[slot].isAwaited else { return flights.settle(slot) }
        guard moment < flights[slot].deadline else { return expectTimeout(slot) }
        queue.push(
            Event(.reset, at: moment, subject: Int(flights[slot].from), flight: slot, tag: flights[slot].tag))
    }

    private mutating func arrive(_ kind: Event.Kind, _ slot: Int, at moment: UInt64) {
        let flight = flights[slot]
        let subject = kind == .request ? flight.to : flight.from
        if moment > flight.deadline { expectTimeout(slot) }
        if kind == .request || moment <= flight.deadline {
            queue.push(Event(kind, at: moment, subject: Int(subject), flight: slot, tag: flight.tag))
        }
    }

    mutating func expectTimeout(_ slot: Int) {
        guard flights[slot].isAwaited, !flights[slot].hasTimeout else { return }
        flights[slot].hasTimeout = true
        let deadline = max(flights[slot].deadline, now)
        queue.push(
            Event(.timeout, at: deadline, subject: Int(flights[slot].from), flight: slot, tag: flights[slot].tag))
    }

    /// The same request once more: its answer interests nobody.
    private mutating func duplicate(_ slot: Int, after delay: UInt64) {
        var copy = flights[slot]
        copy.isAwaited = false
        let other = flights.add(copy)
        queue.push(
            Event(.request, at: now + delay, subject: Int(copy.to), flight: other, tag: flights[other].tag))
    }

    // MARK: - Parts

    /// Whether one node takes the other's certificate.
    func accepts(_ node: Int, _ other: Int) -> Bool {
        let certificate = nodes[other].certificate
        return nodes[node].trust.trusts(certificate.root)
            && certificate.notAfter + SimulatedAuthority.leewaySeconds >= nodes[node].clock.seconds(at: now)
    }

    /// A message as it is after the wire; nil where it cannot be written or read.
    private mutating func reread(_ message: Message) -> Message? {
        guard encodes else { return message }
        guard message.canBeEncoded else { return nil }
        let bytes = message.encode()
        if bytes.count != message.encodedByteCount {
            fail(.codec, "a message has \(bytes.count) bytes and said \(message.encodedByteCount)")
        }
        do throws(CodecError) {
            let decoded = try Message.decode(bytes)
            if decoded != message { fail(.codec, "a message differs after it was written and read") }
            return decoded
        } catch {
            fail(.codec, "a message cannot be read: \(error)")
            return nil
        }
    }

    /// Nanoseconds until the line has taken so many bytes; nil if the asker gives up before: what has not left by then never does.
    private mutating func transmission(_ bytes: Int, by node: Int, until deadline: UInt64) -> UInt64? {
        guard let bandwidth = network.bandwidthBytesPerSecond, bandwidth > 0 else { return 0 }
        let free = max(now, nodes[node].lineFreeAt) + VirtualTime.nanoseconds(Double(bytes) / bandwidth)
        guard free <= deadline else { return nil }
        nodes[node].lineFreeAt = free
        return free - now
    }

    private mutating func count(_ bytes: Int, by node: Int) {
        nodes[node].sent.payload += UInt64(bytes)
        nodes[node].sent.wire += UInt64(bytes + network.wireBytesPerMessage)
        court.traffic += UInt64(bytes)
    }

    private mutating func countHandshake(_ from: Int, _ to: Int) {
        let half = UInt64(network.handshakeBytes / 2)
        for node in [from, to] {
            nodes[node].sent.handshakes += half
            nodes[node].sent.wire += half + UInt64(3 * network.wireBytesPerMessage)
        }
    }
}

extension Message {
    /// Whether the wire has a form for it at all: what a hostile member makes up may not.
    var canBeEncoded: Bool {
        guard claims.count <= WireLimits.claims, encodedByteCount <= WireLimits.messageBytes else { return false }
        guard case .delta(let delta) = body else { return true }
        return delta.items.count <= WireLimits.items && delta.items.allSatisfy { $0.token.count <= WireLimits.tokenBytes }
    }

    /// The same without the records.
    var withholding: Message {
        guard case .delta(var delta) = body else { return self }
        var message = self
        delta.items = []
        message.body = .delta(delta)
        return message
    }
}
