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
        let counters = await mesh.counters
        let rows: [(String, String, UInt64)] = [
            ("meshnode_gossip_exchanges_total", "Gossip exchanges begun.", counters.exchangesBegun),
            ("meshnode_gossip_exchanges_failed_total", "Gossip exchanges that failed.", counters.exchangesFailed),
            ("meshnode_gossip_sent_bytes_total", "Bytes of gossip messages sent.", counters.bytesSent),
            ("meshnode_gossip_received_bytes_total", "Bytes of gossip messages received.", counters.bytesReceived),
            ("meshnode_gossip_records_total", "Records of other nodes taken.", counters.recordsAccepted),
        ]
        var text = rows.map { "# HELP \($0.0) \($0.1)\n# TYPE \($0.0) counter\n\($0.0) \($0.2)\n" }.joined()
        text +=
            "# HELP meshnode_gossip_refusals_total Records refused, by cause.\n# TYPE meshnode_gossip_refusals_total counter\n"
        for (cause, count) in counters.refusals.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            text += "meshnode_gossip_refusals_total{cause=\"\(cause.rawValue)\"} \(count)\n"
        }
        return text + links.text + (await keeper.metrics()) + (globus?.metrics ?? "")
    }
}
