import Gossip
import Routing
import Transport

extension Node {
    /// Begins to keep links to other nodes ready and, where this node takes no calls, connections parked at its carriers.
    func keepLinks(_ meshService: HTTPService) {
        let log = log
        let keeper = LinkKeeper(router: router, warmth: links.warmth) { log.debug($0) }
        for worker in workers { keeper.start(on: worker) }
        guard let outbound = configuration.outbound else { return }
        var settings = Parker.Settings()
        settings.perCarrier = outbound.parkedPerCarrier
        settings.keepAlive = links.keepAlive
        let mesh = mesh
        let parker = Parker(
            me: router.me,
            carriers: outbound.carriers.map { links.upstream(at: HostPort(host: $0.host, port: UInt16($0.port))) },
            settings: settings, workers: workers, service: meshService,
            changed: { carriers in
                log.info(
                    "calls come by way of \(carriers.isEmpty ? "nobody just now" : carriers.map(\.description).joined(separator: ", "))"
                )
                await mesh.update { $0.via = carriers }
            }, log: { log.warnSeldom("park \($0.prefix(120))", $0) })
        if outbound.carriers.count == 1 {
            log.warning(
                "calls come by one carrier alone: name a second in `carriers`, so that the loss of one stops nothing")
        }
        links.metrics.watch(parker)
        parker.start()
    }
}
