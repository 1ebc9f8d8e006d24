import Gossip

/// A federation of real machines under a virtual clock and in a virtual network: everything that happens follows from the
/// scenario and the seed.
struct World: ~Copyable {
    let scenario: Scenario
    let seed: UInt64
    let registry: Registry
    /// Steps in the order of their times, those that chaos adds among them.
    let steps: [Step]
    let groups: [String: [Int]]

    var now: UInt64 = 0
    var queue = EventQueue()
    var random: SeededGenerator
    var nodes: [SimulatedNode]
    var network: NetworkModel
    var wiring: Wiring
    /// When ways were last closed or opened.
    var wiredAt: UInt64 = 0
    var links = Links()
    var flights = Flights()
    var sights: Sights
    var court: Court
    var guards: Guards
    var storms: [Storm] = []
    /// Events handled.
    var handled = 0
    /// The last step that was performed.
    var lastStep: Int?
    var failure: Failure?
    var measures: [Measure] = []
    /// One number for everything that happened.
    var fingerprint = Fingerprint()
    /// Messages go through their wire form.
    let encodes: Bool
    let trace: ((borrowing TraceLine) -> Void)?

    /// Meshes of up to so many nodes have each message written and read again; above it only its length is counted.
    static let encodedNodes = 64
    /// Events at one moment after which time stands still, besides so many for each node.
    static let eventsAtOnce = 200_000
    static let eventsAtOnceEach = 20

    init(_ scenario: Scenario, seed: UInt64, trace: ((borrowing TraceLine) -> Void)? = nil) {
        let names = (0..<scenario.nodes).map { scenario.nodeID($0) }
        let resolved = scenario.resolved(seed: seed)
        self.scenario = resolved.scenario
        self.seed = seed
        self.trace = trace
        self.steps = resolved.scenario.steps
        self.groups = resolved.groups
        self.random = SeededGenerator(seed: mix64(seed ^ 0x776f_726c_64))
        self.network = scenario.network
        self.wiring = Wiring(nodes: scenario.nodes)
        self.sights = Sights(nodes: scenario.nodes)
        self.encodes = scenario.nodes <= World.encodedNodes
        let replays = resolved.scenario.steps.contains { if case .misbehave(_, .replay) = $0.action { true } else { false } }
        self.registry = Registry(seed: seed, names: names, keepsOld: replays)
        let notAfter = WallClock.beginning + UInt64(scenario.records.certificateSeconds)
        self.nodes = names.enumerated().map { index, id in
            let certificate = Certificate(node: UInt32(index), key: 1, root: .old, notAfter: notAfter)
            return SimulatedNode(id: id, index: index, certificate: certificate)
        }
        self.court = Court(resolved.scenario, groups: resolved.groups)
        self.guards = Guards(scenario.settings, nodes: scenario.nodes)
        for index in steps.indices {
            queue.push(Event(.step, at: VirtualTime.nanoseconds(steps[index].at), subject: index))
        }
        let spread = VirtualTime.nanoseconds(scenario.startWithinSeconds)
        for index in nodes.indices {
            let at = scenario.nodes > 1 ? UInt64(Double(spread) * Double(index) / Double(scenario.nodes)) : 0
            queue.push(Event(.boot, at: at, subject: index))
        }
        queue.push(Event(.audit, at: Guards.auditNanoseconds, subject: 0))
    }

    /// Runs to the end, or to the first broken invariant.
    mutating func run(progress: ((Double) -> Void)?) {
        mark(nil)
        let end = VirtualTime.nanoseconds(scenario.runSeconds)
        var atOnce = 0
        while failure == nil, let event = queue.pop(until: end) {
            atOnce = event.at > now ? 0 : atOnce + 1
            if atOnce > World.eventsAtOnce + World.eventsAtOnceEach * nodes.count {
                fail(.timeStands, "time stands still: \(event.kind) of \(event.subject) again and again")
            }
            now = max(now, event.at)
            handled += 1
            if handled & 0xffff == 0, let progress { progress(VirtualTime.seconds(now) / scenario.runSeconds) }
            handle(event)
        }
        if failure == nil { now = end }
        finish()
    }

    private mutating func handle(_ event: Event) {
        fingerprint.add(event)
        let subject = Int(event.subject)
        switch event.kind {
        case .tick: tick(event)
        case .request: request(event)
        case .reply: reply(event)
        case .reset, .timeout: failed(event)
        case .step: perform(subject)
        case .boot: boot(subject)
        case .exit: exit(event)
        case .renewal: renewIfDue(event)
        case .load: changeLoad(event)
        case .storm: storm(event)
        case .mischief: makeMischief(event)
        case .audit: audit()
        }
    }

    mutating func fail(_ kind: Failure.Kind, _ text: String) {
        guard failure == nil else { return }
        failure = Failure(kind: kind, text: text, step: lastStep, seconds: VirtualTime.seconds(now))
    }

    /// Moves to another moment of the same kind.
    mutating func postpone(_ event: Event, to moment: UInt64, isServed: Bool? = nil) {
        var event = event
        event.at = moment
        event.isServed = isServed ?? event.isServed
        queue.push(event)
    }
}

/// One number for all events in their order.
struct Fingerprint {
    private(set) var value: UInt64 = 0x6d65_7368

    mutating func add(_ event: Event) {
        value = mix64(
            value ^ event.at &* 31 ^ UInt64(event.kind.rawValue) << 56 ^ UInt64(UInt32(bitPattern: event.subject)) << 24)
    }
}
