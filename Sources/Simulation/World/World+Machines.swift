import Gossip

// Machines are called here, and what they want done is done.

/// What a machine is told with each event.
struct Moment {
    let now: Instant
    let wallSeconds: UInt64
    let authority: SimulatedAuthority
}

extension World {
    func moment(of node: Int) -> Moment {
        let wall = nodes[node].clock.seconds(at: now)
        return Moment(
            now: Instant(nanoseconds: now), wallSeconds: wall,
            authority: SimulatedAuthority(
                registry: registry, certificate: nodes[node].certificate, trust: nodes[node].trust,
                sizes: scenario.records, wallSeconds: wall))
    }

    /// Runs a handler of a node's machine and carries out its directives.
    mutating func act(_ node: Int, _ handler: (inout GossipMachine, Moment) -> [Directive]) {
        let moment = moment(of: node)
        guard let life = nodes[node].life else { return }
        let directives = life.handle { handler(&$0, moment) }
        var hasChanged = false
        for directive in directives {
            switch directive {
            case .exchange(let id, let contact, let message, let timeoutSeconds):
                send(message, from: node, exchange: id, to: contact, timeoutSeconds: timeoutSeconds)
            case .changed(let change):
                hasChanged = true
                note(change, at: node)
            case .persistGeneration(let generation): nodes[node].disk.store(generation: generation)
            case .log(let notice): note(notice, at: node)
            }
        }
        if hasChanged {
            checkHoldings(node)
            court.settle(node, at: now)
        }
        scheduleTick(node)
    }

    private mutating func scheduleTick(_ node: Int) {
        guard let next = nodes[node].life?.nextTick, next < nodes[node].tickAt else { return }
        nodes[node].tickAt = next
        queue.push(Event(.tick, at: max(next, now), subject: node, tag: nodes[node].epoch))
    }

    mutating func tick(_ event: Event) {
        let node = Int(event.subject)
        guard nodes[node].isRunning, nodes[node].epoch == event.tag, event.isServed || nodes[node].tickAt <= event.at else {
            return
        }
        if nodes[node].isPaused { return nodes[node].inbox.append(event) }
        if nodes[node].busyUntil > now, !event.isServed {
            return postpone(event, to: nodes[node].busyUntil, isServed: true)
        }
        nodes[node].tickAt = VirtualTime.never
        guard let next = nodes[node].life?.nextTick, next <= now else { return scheduleTick(node) }
        let rounds = nodes[node].life?.rounds
        act(node) { machine, moment in
            machine.onTick(now: moment.now, wallSeconds: moment.wallSeconds, authority: moment.authority)
        }
        if nodes[node].life?.rounds != rounds { guards.endRound(node) }
    }

    /// Takes over what a node shows after a change, and sees whether it may.
    private mutating func note(_ change: Change, at observer: Int) {
        if let trace { trace(TraceLine(at: now, .change(nodes[observer].id, change))) }
        let id =
            switch change {
            case .nodeState(let id, _, _): id
            case .record(let id, _): id
            case .forgotten(let id): id
            }
        guard let origin = scenario.index(of: id) else {
            return fail(.forged, "\(nodes[observer].id) shows \(id), which does not exist")
        }
        let old = sights[observer, origin]
        let sighting = nodes[observer].life?.sighting(of: id)
        sights[observer, origin].take(sighting, at: UInt32(truncatingIfNeeded: now / 100_000_000))
        let new = sights[observer, origin]
        if let broken = checkSight(observer, origin, old, new) { fail(broken.kind, broken.text) }
        if case .record(_, let kind) = change, let held = nodes[observer].life?.heldRecord(kind, of: id),
            let text = checkRecord(held, of: origin, at: observer)
        {
            fail(.forged, text)
        }
        if case .nodeState(_, let from, let to) = change { judgeVerdict(observer, origin, from: from, to: to, old) }
        court.note(observer, origin, old, new)
    }

    private mutating func note(_ notice: Notice, at observer: Int) {
        if let trace { trace(TraceLine(at: now, .notice(nodes[observer].id, notice))) }
    }
}
