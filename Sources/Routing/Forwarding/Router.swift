public import Gossip
public import Synchronization
import Transport

/// Finds a place for each request and gets it there.
public final class Router: Sendable {
    public let me: NodeID
    public let timeouts: ForwardTimeouts
    public let receipts: ReceiptRing
    public let counters = RoutingCounters()
    /// What sites are to be told of their endpoints' use in their absence.
    public let directUses: DirectUses
    public let choice: Choice
    public let policies: RoutingPolicies
    /// Where prompts that begin alike were served.
    public let affinities = AffinityTable()
    /// How long the answers are that users get.
    public let lengths = AnswerLengths()
    let startsAsked = StartsAsked()
    /// Takes what operators should know of what requests bring about.
    let tells: @Sendable (String) -> Void
    /// How often it may be tried again.
    public let retries = Retries()
    /// Second attempts beside the first.
    public let hedges = Hedges()
    /// What this node's operator has blocked.
    public let blocks: Blocks
    /// Tells serving sites who a user is; nil: it cannot, and they refuse what they guard.
    let asserter: IdentityAsserter?
    private let current = Mutex(RoutingView.empty)
    private let seed: UInt64

    public init(
        me: NodeID, choice: Choice = Choice(), timeouts: ForwardTimeouts = ForwardTimeouts(),
        receipts: ReceiptRing = ReceiptRing(), directUses: DirectUses = DirectUses(), asserter: IdentityAsserter? = nil,
        blocks: Blocks = Blocks(), policies: RoutingPolicies = RoutingPolicies(),
        tells: @escaping @Sendable (String) -> Void = { _ in }, seed: UInt64
    ) {
        self.directUses = directUses
        self.blocks = blocks
        self.policies = policies
        self.tells = tells
        self.me = me
        self.choice = choice
        self.timeouts = timeouts
        self.receipts = receipts
        self.asserter = asserter
        self.seed = seed
    }

    /// Signatures made on who a user is.
    public var identitiesSigned: Int { asserter?.signatures ?? 0 }

    public var view: RoutingView {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    public func setView(_ view: RoutingView) { current.withLock { $0 = view } }

    /// This worker's own generator.
    func random(_ worker: WorkerContext) -> WorkerRandom {
        worker.attachment(WorkerRandom.self) { WorkerRandom(seed: seed &+ UInt64(worker.index)) }
    }

    /// The first step that a request would take now, without sending anything, and the candidates as the choice sees them: for
    /// `/mesh/route`.
    public func explain(
        _ needs: RequestNeeds, _ routes: ModelRoutes, now: UInt64
    ) -> (step: Journey.Step?, candidates: [Receipt.Seen]) {
        var needs = needs
        policies.apply(to: &needs, model: routes.id)
        var trail = ReceiptTrail()
        trail.begin(
            requestID: "", user: "", entry: me, needs: needs, candidates: routes.candidates, at: 0, now: now)
        var journey = Journey()
        // Another draw for each who asks, as for each request.
        var random = SplitMix64(seed: seed ^ now)
        let step = trail.next(&journey, choice, for: needs, now: now, random: &random)
        return (step, trail.seen(choice))
    }
}

/// A worker's generator, as an object that stays with it.
final class WorkerRandom {
    var generator: SplitMix64
    init(seed: UInt64) { generator = SplitMix64(seed: seed) }
}

/// Sums over all workers since the start.
public final class RoutingCounters: Sendable {
    public let answered = Atomic<Int>(0)
    public let failed = Atomic<Int>(0)
    public let interrupted = Atomic<Int>(0)
    public let clientsGone = Atomic<Int>(0)
    public let ranHere = Atomic<Int>(0)
    public let ranElsewhere = Atomic<Int>(0)
    public let ranForOthers = Atomic<Int>(0)
    public let bounces = Atomic<Int>(0)
    public let refusals = Atomic<Int>(0)
    public let failovers = Atomic<Int>(0)
    public let ranDirectly = Atomic<Int>(0)
    public let staleRetries = Atomic<Int>(0)
    /// First bytes that were not waited for any longer.
    public let firstBytesLate = Atomic<Int>(0)
    /// Times that a broken stream went on at another site.
    public let continued = Atomic<Int>(0)
    /// Requests that an access rule refused, here or at the serving site.
    public let forbidden = Atomic<Int>(0)
    /// Words of other nodes on who a user is that were not believed.
    public let identitiesRefused = Atomic<Int>(0)
    /// Requests, or stays of them at another node, that a block ended.
    public let ended = Atomic<Int>(0)
    /// Signatures of other nodes on who a user is that were checked.
    public let identitiesVerified = Atomic<Int>(0)

    public init() {}
}

extension Atomic where Value == Int {
    /// Adds one; order with other memory does not matter for a count.
    @inline(__always)
    borrowing func increment() { add(1, ordering: .relaxed) }
}

extension LiveLoad.Sample {
    /// nil: never heard. This node's own load is never old.
    func ageSeconds(now: UInt64) -> Double? {
        if heard == 0 { return nil }
        return heard >= now ? 0 : Double(now - heard) / 1e9
    }
}
