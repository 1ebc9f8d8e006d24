import CLinux
import Gossip
import Synchronization
public import Transport

extension Router {
    /// Ends what is under way on a worker and meets a block, each with its typed error; returns when those have ended, or after
    /// 4 s, when what would not end was cut off. To be called on each worker after the blocks have changed.
    public func enforceBlocks(on worker: WorkerContext) async {
        guard let blocks = blocks.current else { return }
        let registry = worker.attachment(RequestRegistry.self) { RequestRegistry() }
        var ended: [(request: RequestUnderWay, serial: Int)] = []
        for request in registry.requests where request.meet(blocks, me: me, nowSeconds: Self.nowSeconds) {
            ended.append((request, request.serial))
        }
        guard !ended.isEmpty else { return }
        counters.ended.add(ended.count, ordering: .relaxed)
        let alarm = Alarm(loop: worker.loop)
        let limit = worker.loop.now &+ Self.endingNanoseconds
        while worker.loop.now < limit {
            await alarm.sleep(nanoseconds: 20_000_000)
            ended.removeAll { $0.request.place < 0 || $0.request.serial != $0.serial || $0.request.block == nil }
            if ended.isEmpty { return }
        }
        // A client that takes no data, or sends its request a byte a minute: there is nobody to tell.
        for (request, _) in ended {
            request.stream.fail(TransportError(.revoked, "the request was ended by the operator"))
        }
    }

    /// Nanoseconds that a request may take to end by itself: with what follows it is below the 5 s that operators are promised.
    private static let endingNanoseconds: UInt64 = 4_000_000_000

    /// Seconds since 1970.
    static var nowSeconds: UInt64 { mesh_realtime_ns() / 1_000_000_000 }

    /// Why an attempt came to nothing where a block, or trust withdrawn, ended it; nil where it was something else.
    func ended(_ error: TransportError?, _ exchange: HTTPExchange, site: String) -> RoutingFailure? {
        if let block = exchange.underWay?.block { return RoutingFailure(block, at: me) }
        guard error?.code == .revoked else { return nil }
        var failure = RoutingFailure(
            .peerRevoked, status: 503, "the federation trusts the node at site \(site) no longer", retryAfterSeconds: 5)
        failure.isPlaceFault = true
        return failure
    }

    /// The client went away, or its request was ended for it.
    func lost(_ exchange: HTTPExchange) -> Attempt {
        if !exchange.clientIsGone, let failure = ended(nil, exchange, site: me.site) { return .failed(failure) }
        return .clientGone
    }
}

extension RoutingFailure {
    /// What a block makes of a request that it ends before its first byte.
    init(_ block: Block, at me: NodeID) {
        self.init(block.kind.failure, status: block.kind == .peer ? 503 : 403, block.message(at: me))
    }

    /// An operator's block, here or at a site that was asked, stands against it.
    var isBlock: Bool {
        switch kind {
        case .peerBlocked, .userBlocked, .keyBlocked, .modelBlocked, .isolated: true
        default: false
        }
    }
}
