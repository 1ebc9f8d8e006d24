import Gossip

// What hostile members do besides taking part.

extension World {
    mutating func misbehave(_ node: Int, _ misbehaviour: Step.Misbehaviour) {
        let isNew = nodes[node].misbehaviour == nil
        nodes[node].misbehaviour = misbehaviour
        if isNew, nodes[node].isRunning { scheduleMischief(node) }
    }

    mutating func scheduleMischief(_ node: Int) {
        queue.push(Event(.mischief, at: now + 1_000_000_000, subject: node, tag: nodes[node].epoch))
    }

    mutating func makeMischief(_ event: Event) {
    }
}
