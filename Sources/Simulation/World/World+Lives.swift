import Gossip

// Starting, ending, standing still.

extension World {
    /// The first start of a node, unless a step has started or held it before.
    mutating func boot(_ node: Int) {
        if nodes[node].epoch == 0, !nodes[node].isHeld { start(node, .kept) }
        court.unborn -= 1
        court.look(at: now)
    }

    /// Starts a node that does not run, or has left. One that runs is left alone.
    mutating func start(_ node: Int, _ disk: Step.Disk) {
        guard !nodes[node].isRunning || nodes[node].hasLeft else { return }
        if nodes[node].isRunning { stop(node, isSilent: false) }
        // 1. What its disk says.
        let found = nodes[node].disk.open(disk)
        let generation = max(found.generation + 1, nodes[node].clock.seconds(at: now))
        nodes[node].disk.store(generation: generation)
        // 2. A life of its own.
        nodes[node].epoch += 1
        nodes[node].isRunning = true
        nodes[node].isSilent = false
        nodes[node].busyUntil = now
        nodes[node].tickAt = VirtualTime.never
        nodes[node].pending = 0
        nodes[node].reachableSince = now
        guards.begin(node, at: now)
        sights.clear(node)
        court.clear(node, at: now)
        if let trace { trace(TraceLine(at: now, .start(nodes[node].id, generation: generation))) }
        let seeds = scenario.seeds.filter { $0 != node && nodes.indices.contains($0) }
        let machine = GossipMachine(
            federation: World.federation, me: nodes[node].id, generation: generation, settings: settings(of: node),
            seeds: seeds.map(SimulatedNode.address), remembered: found.remembered,
            random: mix64(seed ^ UInt64(node) << 32 ^ UInt64(nodes[node].epoch)),
            now: Instant(nanoseconds: now), wallSeconds: nodes[node].clock.seconds(at: now))
        nodes[node].life = Life(machine)
        showItself(node)
        tellCourt(node)
        // 3. What it says of itself.
        renewIfOld(node)
        publishIdentity(node)
        publishCatalog(node)
        publishLoad(node)
        scheduleRenewal(node)
        scheduleLoad(node)
        if nodes[node].misbehaviour != nil { scheduleMischief(node) }
    }

    private func settings(of node: Int) -> Settings {
        var settings = scenario.settings
        if let version = nodes[node].protocolVersion { settings.highestVersion = version }
        return settings
    }

    static let federation = "simulated"

    /// A machine does not say that it holds itself: it was made so.
    private mutating func showItself(_ node: Int) {
        let old = sights[node, node]
        let sighting = nodes[node].life?.sighting(of: nodes[node].id)
        sights[node, node].take(sighting, at: UInt32(truncatingIfNeeded: now / 100_000_000))
        court.note(node, node, old, sights[node, node])
        court.settle(node, at: now)
    }

    /// Whether a node is to be counted on, and whether its view is asked for: that of a hostile member is its own affair.
    mutating func tellCourt(_ node: Int) {
        let isPresent = nodes[node].isRunning && !nodes[node].isPaused && !nodes[node].hasLeft
        court.set(node, isVoter: isPresent && nodes[node].misbehaviour == nil, isPresent: isPresent, at: now)
    }

    /// kill -9. A node that was not started yet waits for a step to start it.
    mutating func stop(_ node: Int, isSilent: Bool) {
        nodes[node].isHeld = true
        guard nodes[node].isRunning else { return }
        if let counters = nodes[node].life?.machine.counters {
            for cause in RecordRefusal.allCases {
                if let count = counters.refusals[cause] { nodes[node].pastRefusals[cause, default: 0] += count }
            }
        }
        rememberMesh(node)
        nodes[node].life = nil
        nodes[node].isRunning = false
        nodes[node].isSilent = isSilent
        nodes[node].hasLeft = false
        tellCourt(node)
        // What the kernel had kept for it is refused, or comes to nothing.
        nodes[node].isPaused = false
        let kept = nodes[node].inbox + nodes[node].waiting
        nodes[node].inbox = []
        nodes[node].waiting = []
        for event in kept { postpone(event, to: now, isServed: false) }
    }

    mutating func leave(_ node: Int) {
        guard nodes[node].isRunning, !nodes[node].hasLeft else { return }
        resume(node)
        act(node) { machine, moment in
            machine.leave(now: moment.now, wallSeconds: moment.wallSeconds, authority: moment.authority)
        }
        nodes[node].hasLeft = true
        tellCourt(node)
        queue.push(
            Event(.exit, at: now + VirtualTime.nanoseconds(World.partingSeconds), subject: node, tag: nodes[node].epoch))
    }

    /// Seconds that a node which leaves goes on answering.
    static let partingSeconds = 2.0

    mutating func exit(_ event: Event) {
        let node = Int(event.subject)
        if nodes[node].epoch == event.tag, nodes[node].hasLeft { stop(node, isSilent: false) }
    }

    mutating func pause(_ node: Int) {
        guard nodes[node].isRunning, !nodes[node].isPaused else { return }
        nodes[node].isPaused = true
        tellCourt(node)
    }

    mutating func resume(_ node: Int) {
        guard nodes[node].isPaused else { return }
        nodes[node].isPaused = false
        nodes[node].reachableSince = now
        tellCourt(node)
        let kept = nodes[node].inbox
        nodes[node].inbox = []
        for event in kept { postpone(event, to: now) }
    }

    /// What the next start may find of the mesh: the addresses of those that answered last.
    private mutating func rememberMesh(_ node: Int) {
        guard !nodes[node].disk.isFull else { return }
        var remembered: [String] = []
        for other in nodes.indices where other != node && sights[node, other].isAlive {
            remembered.append(nodes[other].address)
            if remembered.count == Disk.remembered { break }
        }
        if !remembered.isEmpty { nodes[node].disk.contents.remembered = remembered }
    }
}
