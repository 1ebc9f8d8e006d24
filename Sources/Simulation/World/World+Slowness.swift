import Gossip

// Nodes that take their time: one message after the other, as an event loop that is busy with something else.

extension World {
    mutating func slow(_ node: Int, _ seconds: ClosedRange<Double>?) {
        nodes[node].handlingSeconds = seconds
        guard seconds == nil else { return }
        nodes[node].busyUntil = now
        let waiting = nodes[node].waiting
        nodes[node].waiting = []
        for event in waiting { postpone(event, to: now, isServed: true) }
    }

    /// Whether a message is handled now. One that stands still or is busy does so later.
    mutating func isItsTurn(_ event: Event, _ node: Int) -> Bool {
        if nodes[node].isPaused {
            if event.kind == .request { expectTimeout(Int(event.flight)) }
            nodes[node].inbox.append(event)
            return false
        }
        if event.isServed {
            serveNext(node)
            return true
        }
        guard nodes[node].handlingSeconds != nil else { return true }
        nodes[node].waiting.append(event)
        // How long those before it will take is not known yet: its sender waits no longer than it said.
        if event.kind == .request { expectTimeout(Int(event.flight)) }
        if nodes[node].busyUntil <= now { serveNext(node) }
        return false
    }

    /// Takes up the next message, unless its sender has hung up meanwhile.
    private mutating func serveNext(_ node: Int) {
        guard let range = nodes[node].handlingSeconds else { return }
        while let event = nodes[node].waiting.first {
            nodes[node].waiting.removeFirst()
            guard flights.holds(event) else { continue }
            let slot = Int(event.flight)
            if event.kind == .request, !flights[slot].isAwaited {
                flights[slot].isUnderway = false
                flights.settle(slot)
                continue
            }
            let taken = range.lowerBound + (range.upperBound - range.lowerBound) * random.unit()
            nodes[node].busyUntil = now + VirtualTime.nanoseconds(taken)
            return postpone(event, to: nodes[node].busyUntil, isServed: true)
        }
    }
}
