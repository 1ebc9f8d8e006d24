import Gossip

// The scenario's steps.

extension World {
    mutating func perform(_ index: Int) {
        let step = steps[index]
        let before =
            lastStep.map { VirtualTime.nanoseconds(steps[$0].at) } ?? VirtualTime.nanoseconds(scenario.startWithinSeconds)
        lastStep = index
        if let trace { trace(TraceLine(at: now, .step(index, step.action))) }
        switch step.action {
        case .start(let group, let disk): for node in members(group) { start(node, disk) }
        case .crash(let group, let isSilent): for node in members(group) { stop(node, isSilent: isSilent) }
        case .leave(let group): for node in members(group) { leave(node) }
        case .pause(let group): for node in members(group) { pause(node) }
        case .resume(let group): for node in members(group) { resume(node) }
        case .slow(let group, let seconds): for node in members(group) { slow(node, seconds) }
        case .clock(let group, let offset, let drift):
            for node in members(group) {
                nodes[node].clock = WallClock(offsetSeconds: offset, driftPartsPerMillion: drift, setAt: now)
            }
        case .publish(let group, let publication, let mark):
            if let mark { self.mark(mark, since: before) }
            publish(publication, by: members(group), mark: mark)
            court.look(at: now)
        case .storm(let group, let every, let duration): beginStorm(index, members(group), every, duration)
        case .partition(let groups):
            wiring.split(groups.map { members($0) })
            wiredAt = now
        case .cut(let from, let to):
            wiring.cut(from: members(from), to: members(to))
            wiredAt = now
        case .clog(let group, let isOn):
            wiring.clog(members(group), isOn)
            wiredAt = now
        case .heal:
            wiring.heal()
            wiredAt = now
        case .network(let model): network = model
        case .diskFull(let group, let isFull): for node in members(group) { nodes[node].disk.isFull = isFull }
        case .damageDisk(let group): for node in members(group) { nodes[node].disk.contents = Disk.Contents() }
        case .renew(let group, let underNewRoot):
            for node in members(group) { renew(node, underNewRoot ? .new : .old) }
        case .trust(let group, let old, let new):
            for node in members(group) { nodes[node].trust = RootTrust(old: old, new: new) }
            wiredAt = now
        case .version(let group, let version): for node in members(group) { setVersion(node, version) }
        case .misbehave(let group, let misbehaviour): for node in members(group) { misbehave(node, misbehaviour) }
        case .mark(let name): mark(name, since: before)
        }
    }

    func members(_ group: String) -> [Int] { groups[group] ?? [] }

    mutating func mark(_ name: String?, since lastStep: UInt64 = 0) {
        let sent = nodes.map(\.sent)
        court.mark(name, at: now, since: lastStep) { sent }
    }

    /// An older or newer version of the software: its next start runs it, and one that runs is started again.
    private mutating func setVersion(_ node: Int, _ version: UInt8) {
        nodes[node].protocolVersion = version
        guard nodes[node].isRunning else { return }
        stop(node, isSilent: false)
        start(node, .kept)
    }

    // MARK: - Storms

    private mutating func beginStorm(_ step: Int, _ group: [Int], _ every: Double, _ duration: Double) {
        guard every > 0 else { return }
        storms.append(Storm(nodes: group, everySeconds: every, endsAt: now + VirtualTime.nanoseconds(duration)))
        queue.push(Event(.storm, at: now, subject: storms.count - 1))
    }

    mutating func storm(_ event: Event) {
        let storm = storms[Int(event.subject)]
        guard now <= storm.endsAt else { return }
        publish(.catalog, by: storm.nodes, mark: nil)
        postpone(event, to: now + VirtualTime.nanoseconds(storm.everySeconds))
    }
}

/// Catalogs that change again and again.
struct Storm {
    let nodes: [Int]
    let everySeconds: Double
    let endsAt: UInt64
}
