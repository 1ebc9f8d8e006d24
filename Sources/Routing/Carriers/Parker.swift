public import Gossip
import Synchronization
public import Transport

/// The outbound-only side: keeps some connections parked at each carrier, serves the mesh port over those that are called for, and
/// parks others in their place at once.
public final class Parker: Sendable {
    public struct Settings: Sendable {
        /// Connections parked at each carrier.
        public var perCarrier = 4
        /// Nanoseconds between two signs of life of a carrier; one silent for three of them is given up.
        public var keepAlive: UInt64 = 20_000_000_000
        public init() {}
    }

    private let me: NodeID
    private let carriers: [Upstream]
    private let settings: Settings
    private let workers: [Worker]
    private let service: HTTPService
    private let changed: @Sendable ([NodeID]) async -> Void
    private let log: @Sendable (String) -> Void
    private let places: Mutex<[Place]>

    /// What is known of one carrier.
    private struct Place {
        var node: NodeID?
        var parked = 0
        /// Monotonic nanoseconds when the last one was taken or lost; 0: never parked.
        var emptySince: UInt64 = 0
    }

    /// Without a parked connection for this long, a carrier is told of no more: all may be taken for a moment.
    private static let graceNanoseconds: UInt64 = 3_000_000_000
    private static let firstPause: UInt64 = 250_000_000
    private static let longestPause: UInt64 = 15_000_000_000
    private static let connectNanoseconds: UInt64 = 10_000_000_000

    /// - Parameters:
    ///   - carriers: their mesh ports.
    ///   - service: the mesh port's own, with its TLS: it shakes hands with whoever was carried here.
    ///   - changed: told who carries for us, sorted, when that has changed.
    ///   - log: told why a carrier cannot be used.
    public init(
        me: NodeID, carriers: [Upstream], settings: Settings, workers: [Worker], service: HTTPService,
        changed: @escaping @Sendable ([NodeID]) async -> Void, log: @escaping @Sendable (String) -> Void
    ) {
        self.me = me
        self.carriers = carriers
        self.settings = settings
        self.workers = workers
        self.service = service
        self.changed = changed
        self.log = log
        places = Mutex(carriers.map { _ in Place() })
    }

    public func start() {
        for carrier in carriers.indices {
            for slot in 0..<settings.perCarrier {
                let worker = workers[(carrier + slot) % workers.count]
                worker.spawn { context in await self.keepParked(carrier, context, worker) }
            }
        }
        workers[0].spawn { context in await self.tell(context) }
    }

    // MARK: One parked connection after another

    private func keepParked(_ carrier: Int, _ context: WorkerContext, _ worker: Worker) async {
        let alarm = Alarm(loop: context.loop)
        var pause = Self.firstPause
        var quickCalls = 0
        while true {
            let parking = Flag()
            let began = context.loop.now
            do throws(TransportError) {
                let stream = try await park(at: carrier, context, parking)
                note(carrier, parking, isParked: false, now: context.loop.now)
                pause = Self.firstPause
                if let socket = stream.release() { worker.serve(over: socket, service) } else { stream.close() }
                // A carrier that hands out calls which are none would have us shake hands without end.
                quickCalls = context.loop.now &- began < Self.quickNanoseconds ? quickCalls + 1 : 0
                if quickCalls >= Self.quickCallsInARow { await alarm.sleep(nanoseconds: Self.firstPause) }
            } catch {
                let wasParked = parking.isUp
                note(carrier, parking, isParked: false, now: context.loop.now)
                if wasParked { pause = Self.firstPause }
                log("carrier \(carriers[carrier].target): \(error.message)")
                await alarm.sleep(nanoseconds: UInt64(Double(pause) * Double.random(in: 0.5...1.5)))
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    /// A connection that was called for so soon, so many times in a row, is followed by a pause.
    private static let quickNanoseconds: UInt64 = 200_000_000
    private static let quickCallsInARow = 64

    /// Whether one connection counts as parked.
    private final class Flag { var isUp = false }

    /// Parks a connection and waits until somebody calls for it.
    private func park(
        at carrier: Int, _ context: WorkerContext, _ flag: Flag
    ) async throws(TransportError) -> Stream {
        let me = me
        var node: NodeID?
        return try await context.pool.dialler.switched(
            over: carriers[carrier], target: MeshPort.parkPath.description, patience: settings.keepAlive * 3,
            deadline: context.loop.now &+ Self.connectNanoseconds,
            checkPeer: { (stream) throws(TransportError) in
                node = stream.peerIdentity as? NodeID
                guard node != nil, node != me, node?.federation == nil else {
                    throw TransportError(.tls, "no other node of the federation answers there")
                }
            },
            interim: { stream in
                if let node, !flag.isUp { self.note(carrier, flag, isParked: true, node: node, now: stream.now) }
            })
    }

    @inline(never)
    private func note(_ carrier: Int, _ flag: Flag, isParked: Bool, node: NodeID? = nil, now: UInt64) {
        guard flag.isUp != isParked else { return }
        flag.isUp = isParked
        places.withLock {
            $0[carrier].parked += isParked ? 1 : -1
            if let node { $0[carrier].node = node }
            if $0[carrier].parked == 0 { $0[carrier].emptySince = now }
        }
    }

    // MARK: Who carries

    private func tell(_ context: WorkerContext) async {
        let alarm = Alarm(loop: context.loop)
        var told: [NodeID] = []
        while true {
            let now = current(now: context.loop.now)
            if now != told {
                told = now
                await changed(now)
            }
            await alarm.sleep(nanoseconds: told.count < carriers.count ? 50_000_000 : 500_000_000)
        }
    }

    @inline(never)
    private func current(now: UInt64) -> [NodeID] {
        let known = places.withLock { places in
            places.compactMap { place in
                let counts = place.parked > 0 || (place.emptySince > 0 && now &- place.emptySince < Self.graceNanoseconds)
                return counts ? place.node : nil
            }
        }
        return Array(Set(known).sorted().prefix(Identity.carriersAllowed))
    }

    /// Connections parked just now by carrier, for metrics and `doctor`.
    @inline(never)
    public func figures() -> [(carrier: HostPort, node: NodeID?, parked: Int)] {
        places.withLock { places in zip(carriers, places).map { ($0.target, $1.node, $1.parked) } }
    }
}
