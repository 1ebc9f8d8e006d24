import API
import CLinux
import Gossip
import Routing
import Synchronization
import Transport

/// What the API asks of the program: readiness, drain, and the numbers that gossip counts.
final class NodeState: NodeControl {
    private let mesh: MeshShell
    private let keeper: TrustKeeper
    private let logger: Logger
    private let unheard: Mutex<Set<Int>>
    private let globus: GlobusSite?
    private let router: Router
    private let workers: [Worker]
    private let links: LinkMetrics

    /// - Parameter serversToHear: inference servers and endpoints that must have been looked at once.
    init(
        mesh: MeshShell, router: Router, workers: [Worker], keeper: TrustKeeper, log: Logger, serversToHear: Int,
        globus: GlobusSite?, links: LinkMetrics
    ) {
        self.router = router
        self.workers = workers
        self.globus = globus
        self.links = links
        self.mesh = mesh
        self.keeper = keeper
        logger = log
        unheard = Mutex(Set(0..<serversToHear))
    }

    func heard(_ server: Int) { unheard.withLock { _ = $0.remove(server) } }

    var notReady: String? {
        if let revoked = keeper.ownRevocation { return "this node was revoked: \(revoked)" }
        let left = unheard.withLock { $0.count }
        return left == 0 ? nil : "\(left) inference servers were not looked at yet"
    }

    func setDraining(_ draining: Bool) async { await mesh.setDraining(draining) }
    /// Ends what meets a block: requests first, so that each can be told, then the connections with blocked peers.
    func blocksChanged() async {
        let router = router
        for worker in workers {
            Task {
                await worker.run { await router.enforceBlocks(on: $0) }
                guard let blocks = router.blocks.current else { return }
                let now = mesh_realtime_ns() / 1_000_000_000
                let error = TransportError(.revoked, "the peer is blocked by this node's operator")
                await worker.endConnections(error) { peer in
                    (peer as? NodeID).map { blocks.peer($0, nowSeconds: now) != nil } ?? false
                }
            }
        }
        await mesh.publishCatalog()
    }

    func log(_ level: LogLevel, _ message: String) { logger.log(level, message) }

    func metrics() async -> String {
        await mesh.metrics.text + links.text + (await keeper.metrics()) + (globus?.metrics ?? "")
    }
}
