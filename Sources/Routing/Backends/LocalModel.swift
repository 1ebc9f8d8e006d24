import CLinux
public import Gossip
import Synchronization
public import Transport

/// An inference server that this node reaches directly: vLLM, llama.cpp, SGLang, the simulated one. Shared by its models.
public final class InferenceServer: Sendable {
    public let upstream: Upstream
    /// Put before `/v1/…` paths' own tail: the path of the configured base URL without its `/v1`.
    public let basePath: String
    /// `openai`, `first` or `simulated`.
    public let kind: String
    /// What it is shown; nil without a key.
    let credential: Credential?
    /// Set where the server is a FIRST gateway.
    let gateway: FirstGateway?
    private let log: @Sendable (String) -> Void

    /// - Parameter log: takes what operators should know of the server, as often as it is found.
    public init(
        upstream: Upstream, basePath: String, kind: String, credential: Credential? = nil, gateway: FirstGateway? = nil,
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.upstream = upstream
        self.basePath = basePath
        self.kind = kind
        self.credential = credential
        self.gateway = gateway
        self.log = log
    }

    /// `Authorization` towards the server; nil without a key.
    var authorization: String? { credential?.authorization }

    var rules: AnswerRules { gateway == nil ? .openAI : .first }

    func tell(_ message: String) { log(message) }
}

/// What runs a model.
public enum Backend: Sendable {
    /// A server that this node's loops dial.
    case server(InferenceServer)
    /// A function at a Globus Compute endpoint, beside a server there.
    case globus(GlobusBackend)

    /// As catalogs name it: `openai`, `simulated`, `globusCompute`.
    public var kind: String {
        switch self {
        case .server(let server): server.kind
        case .globus: "globusCompute"
        }
    }
}

/// One model that this node serves.
public final class LocalModel: Sendable {
    public let id: String
    /// What the server calls it.
    public let upstreamModel: String
    public let backend: Backend
    public let gate: Gate
    /// Declared in the configuration; observation fills the rest.
    private let declared: Variant
    /// Slots set in the configuration: observation does not change them.
    public let declaredSlots: Int?
    /// How it is started where it does not run; nil: it cannot be.
    public let starter: Starter?
    private let lastSeen = Mutex<Observation?>(nil)
    private let attendance = Mutex<Attendance?>(nil)

    /// What the node does for it.
    struct Attendance: Sendable {
        let changed: @Sendable () -> Void
        let spawn: @Sendable (@escaping @Sendable (WorkerContext) async -> Void) -> Void
        let tells: @Sendable (String) -> Void
        let mayStart: @Sendable () -> Bool
    }
    private let current: Mutex<Variant>
    private let seenLoad = Mutex<(running: Int, waiting: Int)>((0, 0))

    public init(
        declared: Variant, upstreamModel: String, backend: Backend, gate: Gate, declaredSlots: Int?, starter: Starter? = nil
    ) {
        self.starter = starter
        id = declared.id
        self.upstreamModel = upstreamModel
        self.backend = backend
        self.gate = gate
        self.declared = declared
        self.declaredSlots = declaredSlots
        current = Mutex(declared)
    }

    /// Whether its requests run on when their clients leave: Globus Compute cannot stop a function that does not stop itself.
    var outlivesClients: Bool {
        if case .globus(let backend) = backend { backend.settings.style == .first } else { false }
    }

    /// Whether a server that this node dials has it.
    public func runs(on server: InferenceServer) -> Bool {
        if case .server(let own) = backend { own === server } else { false }
    }

    public var variant: Variant { current.withLock { $0 } }

    /// Takes what was seen of the server; true if anything changed.
    func observe(_ observation: Observation) -> Bool {
        lastSeen.withLock { $0 = observation }
        let seen = starter?.seen(observation, now: mesh_monotonic_ns()) ?? observation
        if declaredSlots == nil, let slots = seen.slots, slots > 0, slots != gate.snapshot.configuredSlots {
            gate.resize(slots: slots)
        }
        gate.load.learn(
            walltimeEnds: Self.walltimeEnd(in: seen.walltimeRemainingSeconds), tokensPerSecond: gate.speed.tokensPerSecond)
        return current.withLock { variant in
            var next = declared
            next.start = starter?.offer
            next.state = seen.state
            next.etaSeconds = seen.etaSeconds
            next.stateReason = seen.reason
            next.walltimeRemainingSeconds = seen.walltimeRemainingSeconds
            if next.contextTokens.value == nil { next.contextTokens = Fact(seen.contextTokens, .observed) }
            if next.capabilities.value == nil { next.capabilities = Fact(seen.capabilities, .observed) }
            if next.engine.value == nil { next.engine = Fact(seen.engine, .observed) }
            if next.engineVersion.value == nil { next.engineVersion = Fact(seen.engineVersion, .observed) }
            if next.dtype.value == nil { next.dtype = Fact(seen.dtype, .observed) }
            if next.repository.value == nil { next.repository = Fact(seen.repository, .observed) }
            if case .globus(let backend) = backend, next.direct != nil {
                // Of no use to others before there is a function to submit to.
                if let function = backend.function { next.direct?.function = function } else { next.direct = nil }
            }
            // What a server told once stays known while it is away.
            if seen.state != .running {
                if next.contextTokens.value == nil { next.contextTokens = variant.contextTokens }
                if next.capabilities.value == nil { next.capabilities = variant.capabilities }
                if next.engine.value == nil { next.engine = variant.engine }
                if next.engineVersion.value == nil { next.engineVersion = variant.engineVersion }
                if next.dtype.value == nil { next.dtype = variant.dtype }
                if next.repository.value == nil { next.repository = variant.repository }
            }
            guard next != variant else { return false }
            variant = next
            return true
        }
    }

    private static func walltimeEnd(in seconds: Double?) -> UInt64? {
        seconds.map { mesh_monotonic_ns() &+ LiveLoad.nanoseconds($0) }
    }

    /// Sets what the node does for it.
    ///
    /// - Parameters:
    ///   - changed: called when something of it has changed between two looks.
    ///   - spawn: runs something on one of the node's workers.
    ///   - tells: takes what operators should know of it.
    ///   - mayStart: whether it may be started by itself just now.
    public func attend(
        changed: @escaping @Sendable () -> Void,
        spawn: @escaping @Sendable (@escaping @Sendable (WorkerContext) async -> Void) -> Void,
        tells: @escaping @Sendable (String) -> Void, mayStart: @escaping @Sendable () -> Bool
    ) {
        let own = Attendance(changed: changed, spawn: spawn, tells: tells, mayStart: mayStart)
        attendance.withLock { $0 = own }
    }

    /// What the node does for it; nil before that was said.
    var attended: Attendance? { attendance.withLock { $0 } }

    /// What its server or scheduler last said of it, as it was said.
    var lastState: ModelState? { lastSeen.withLock { $0?.state } }

    /// Its server counts requests, which may have come to it by other ways.
    var serverIsBusy: Bool { seenLoad.withLock { $0.running + $0.waiting > 0 } }

    func spawn(_ body: @escaping @Sendable (WorkerContext) async -> Void) { attendance.withLock { $0 }?.spawn(body) }

    /// A start has begun or failed: what is known of it is seen in another light.
    func startHasChanged() {
        guard let seen = lastSeen.withLock({ $0 }), observe(seen) else { return }
        attendance.withLock { $0 }?.changed()
    }

    /// Takes what the server counts, which includes requests that came to it by other ways.
    func observeLoad(running: Int?, waiting: Int?) {
        seenLoad.withLock { $0 = (running ?? 0, waiting ?? 0) }
    }

    /// This model's part of the node's load record.
    public var loadReport: ModelLoad {
        let gated = gate.snapshot
        let seen = seenLoad.withLock { $0 }
        var load = ModelLoad(
            id: id, slots: gated.slots, running: max(gated.running, min(seen.running, gated.slots)),
            waiting: max(gated.interactive + gated.batch, seen.waiting))
        load.queueSeconds = gated.expectedSeconds.map { ($0 * 10).rounded() / 10 }
        load.walltimeRemainingSeconds = variant.walltimeRemainingSeconds
        load.tokensPerSecond = gate.speed.tokensPerSecond.map { Double(Int($0 * 10)) / 10 }
        if case .globus(let backend) = backend { load.queueSeconds = backend.queueSeconds }
        return load
    }
}

/// What one poll of a server showed of one model.
struct Observation: Equatable {
    var state: ModelState
    var slots: Int?
    var contextTokens: Int?
    var capabilities: [String]?
    var engine: String?
    var engineVersion: String?
    var repository: String?
    var dtype: String?
    var etaSeconds: Double?
    var walltimeRemainingSeconds: Double?
    /// Why it is in its state, in the scheduler's words.
    var reason: String?
}
