import Gossip

/// One step of a script.
enum Operation {
    case start(String, generation: UInt64? = nil, seeds: [String]? = nil)
    case publish(String, RecordBody)
    /// kill -9: what is sent to it is refused at once.
    case crash(String)
    case leave(String)
    /// Nothing passes from the first to the second.
    case cut(String, to: String)
    case partition([String], [String])
    case heal
    /// Runs for so many virtual seconds.
    case run(Double)
    /// The process stands still: nothing is handled, what comes is kept.
    case pause(String)
    case resume(String)
}

/// A network of machines under a virtual clock. All messages go through their wire form.
final class TestNetwork {
    struct Event {
        enum Kind {
            case tick(NodeID, epoch: Int)
            case request(from: NodeID, to: NodeID, epoch: Int, id: ExchangeID, bytes: [UInt8])
            case reply(from: NodeID, to: NodeID, epoch: Int, id: ExchangeID, bytes: [UInt8])
            case failure(NodeID, epoch: Int, id: ExchangeID)
        }
        let at: Instant
        let kind: Kind
    }

    var machines: [NodeID: GossipMachine] = [:]
    var stored: [NodeID: UInt64] = [:]
    var now = Instant(nanoseconds: 1_000_000_000)
    var settings = Settings()
    let names: [String]
    let seed: UInt64
    let latencySeconds = 0.005

    private var epochs: [NodeID: Int] = [:]
    private var queue: [Event] = []
    private var answered: Set<String> = []
    private var cuts: Set<[NodeID]> = []
    private var paused: Set<NodeID> = []
    private var kept: [NodeID: [Event]] = [:]

    /// Each directive with its time, for comparing runs.
    private(set) var trace: [String] = []
    private(set) var changes: [(at: Instant, observer: NodeID, change: Change)] = []
    private(set) var notices: [(observer: NodeID, notice: Notice)] = []
    private(set) var messages = 0
    private(set) var bytes = 0
    private(set) var largestMessage = 0
    var isTracing = false

    init(_ names: [String], seed: UInt64 = 1) {
        self.names = names
        self.seed = seed
    }

    /// A network of started nodes, each with an identity and a catalog, which know the first as their seed.
    convenience init(count: Int, seed: UInt64 = 1, settings: Settings = Settings()) {
        self.init((0..<count).map { "s\($0)" }, seed: seed)
        self.settings = settings
        for name in names { perform(.start(name)) }
    }

    var wallSeconds: UInt64 { 1_700_000_000 + now.nanoseconds / 1_000_000_000 }

    func script(_ operations: Operation...) { for operation in operations { perform(operation) } }

    func perform(_ operation: Operation) {
        switch operation {
        case .start(let name, let generation, let seeds): start(node(name), generation, seeds ?? [names[0]])
        case .publish(let name, let body):
            act(node(name)) {
                $0.publish(body, now: now, wallSeconds: wallSeconds, authority: FakeAuthority(signer: node(name)))
            }
        case .crash(let name):
            machines[node(name)] = nil
            epochs[node(name), default: 0] += 1
        case .leave(let name):
            act(node(name)) { $0.leave(now: now, wallSeconds: wallSeconds, authority: FakeAuthority(signer: node(name))) }
        case .cut(let from, let to): cuts.insert([node(from), node(to)])
        case .partition(let left, let right):
            for a in left { for b in right { cuts.formUnion([[node(a), node(b)], [node(b), node(a)]]) } }
        case .heal: cuts = []
        case .run(let seconds): run(until: now.adding(seconds: seconds))
        case .pause(let name): paused.insert(node(name))
        case .resume(let name):
            paused.remove(node(name))
            for event in kept.removeValue(forKey: node(name)) ?? [] { schedule(event.kind, at: now) }
        }
    }

    private func start(_ id: NodeID, _ generation: UInt64?, _ seeds: [String]) {
        let chosen = generation ?? max((stored[id] ?? 0) + 1, wallSeconds)
        stored[id] = chosen
        epochs[id, default: 0] += 1
        machines[id] = GossipMachine(
            federation: "test", me: id, generation: chosen, settings: settings, seeds: seeds.map { "\($0):8200" },
            random: seed &* 1000 &+ UInt64(names.firstIndex(of: id.site) ?? 0), now: now, wallSeconds: wallSeconds)
        perform(.publish(id.site, .identity(identity(of: id))))
        perform(.publish(id.site, .catalog(catalog("model-of-\(id.site)"))))
        schedule(.tick(id, epoch: epochs[id] ?? 0), at: now)
    }

    /// Runs a handler and carries out its directives.
    func act(_ id: NodeID, _ handler: (inout GossipMachine) -> [Directive]) {
        guard var machine = machines[id] else { return }
        let directives = handler(&machine)
        machines[id] = machine
        let epoch = epochs[id] ?? 0
        for directive in directives {
            if isTracing { trace.append("\(now.nanoseconds) \(id) \(directive)") }
            switch directive {
            case .exchange(let exchange, let contact, let message, let timeoutSeconds):
                send(message, from: id, epoch: epoch, exchange, to: contact, timeoutSeconds)
            case .changed(let change): changes.append((now, id, change))
            case .persistGeneration(let generation): stored[id] = generation
            case .log(let notice): notices.append((id, notice))
            }
        }
        if !queue.contains(where: { if case .tick(id, epoch) = $0.kind { $0.at <= machine.nextTick } else { false } }) {
            schedule(.tick(id, epoch: epoch), at: machine.nextTick)
        }
    }

    private func send(
        _ message: Message, from: NodeID, epoch: Int, _ id: ExchangeID, to contact: Contact, _ timeoutSeconds: Double
    ) {
        let bytes = count(message)
        let to = node(String(contact.address.prefix { $0 != ":" }))
        schedule(.failure(from, epoch: epoch, id: id), at: now.adding(seconds: timeoutSeconds))
        guard !cuts.contains([from, to]) else { return }
        schedule(
            .request(from: from, to: to, epoch: epoch, id: id, bytes: bytes), at: now.adding(seconds: latencySeconds))
    }

    private func count(_ message: Message) -> [UInt8] {
        let encoded = message.encode()
        precondition(encoded.count == message.encodedByteCount, "encodedByteCount is wrong")
        messages += 1
        bytes += encoded.count
        largestMessage = max(largestMessage, encoded.count)
        return encoded
    }

    private func schedule(_ kind: Event.Kind, at: Instant) {
        // Kept sorted; events of one moment in the order in which they were made.
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if queue[middle].at <= at { low = middle + 1 } else { high = middle }
        }
        queue.insert(Event(at: at, kind: kind), at: low)
    }

    private func run(until end: Instant) {
        var atOnce = 0
        while let event = queue.first, event.at <= end {
            queue.removeFirst()
            atOnce = event.at > now ? 0 : atOnce + 1
            precondition(atOnce < 100_000, "time stands still: a machine asks to be called at once for ever")
            now = max(now, event.at)
            handle(event)
        }
        now = end
    }

    private func handle(_ event: Event) {
        switch event.kind {
        case .tick(let id, let epoch):
            guard epochs[id] == epoch else { return }
            if paused.contains(id) { return kept[id, default: []].append(event) }
            act(id) { $0.onTick(now: now, wallSeconds: wallSeconds, authority: FakeAuthority(signer: id)) }
        case .request(let from, let to, let epoch, let id, let bytes):
            if paused.contains(to) { return kept[to, default: []].append(event) }
            guard machines[to] != nil, let message = try? Message.decode(bytes) else {
                return schedule(.failure(from, epoch: epoch, id: id), at: now.adding(seconds: latencySeconds))
            }
            var answered: Message?
            act(to) { machine in
                let answer = machine.onExchange(
                    message, from: from, now: now, wallSeconds: wallSeconds, authority: FakeAuthority(signer: to))
                answered = answer.reply
                return answer.directives
            }
            guard let reply = answered else {
                return schedule(.failure(from, epoch: epoch, id: id), at: now.adding(seconds: latencySeconds))
            }
            if isTracing { trace.append("\(now.nanoseconds) \(to) replies \(reply)") }
            guard !cuts.contains([to, from]) else { return }
            schedule(
                .reply(from: to, to: from, epoch: epoch, id: id, bytes: count(reply)),
                at: now.adding(seconds: latencySeconds))
        case .reply(let from, let to, let epoch, let id, let bytes):
            if paused.contains(to) { return kept[to, default: []].append(event) }
            guard epochs[to] == epoch, answered.insert("\(to) \(epoch) \(id.value)").inserted else { return }
            guard let message = try? Message.decode(bytes) else { return }
            act(to) {
                $0.onReply(
                    exchange: id, message, from: from, now: now, wallSeconds: wallSeconds,
                    authority: FakeAuthority(signer: to))
            }
        case .failure(let to, let epoch, let id):
            if paused.contains(to) { return kept[to, default: []].append(event) }
            guard epochs[to] == epoch, answered.insert("\(to) \(epoch) \(id.value)").inserted else { return }
            act(to) { $0.onExchangeFailed(id, now: now, wallSeconds: wallSeconds) }
        }
    }

    // MARK: - Questions

    func state(of name: String, at observer: String) -> NodeState? { machines[node(observer)]?.view[node(name)]?.state }

    func models(of name: String, at observer: String) -> [String]? {
        machines[node(observer)]?.view[node(name)]?.catalog?.models.map(\.id)
    }

    /// Whether all machines hold the same records and states.
    var isConverged: Bool {
        let views = machines.values.map { machine in
            machine.view.nodes.map {
                let versions = [$0.identityVersion, $0.catalogVersion, $0.loadVersion]
                return "\($0.id) \($0.state) \(versions)"
            }
        }
        return Set(views).count == 1
    }

    /// Virtual seconds until the condition holds, looked at every 10 ms; nil if it does not within the limit.
    func seconds(until limit: Double, _ condition: () -> Bool) -> Double? {
        let start = now
        while !condition() {
            guard now.seconds(since: start) < limit else { return nil }
            perform(.run(0.01))
        }
        return now.seconds(since: start)
    }
}
