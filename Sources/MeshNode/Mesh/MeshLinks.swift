import Gossip
import Routing
import Transport

/// How this node reaches others' mesh ports: straight, through the proxy, or over carriers. What the program knows of links in one place.
struct MeshLinks: Sendable {
    let me: NodeID
    let tls: TLSSource
    /// nil: none is set.
    let proxy: HTTPProxy?
    /// What this node holds as a carrier; nil: it is none.
    let desk: CarrierDesk?
    let handshakes: HandshakeCounters
    let metrics: LinkMetrics
    /// Nanoseconds between two signs of life on a link.
    let keepAlive: UInt64

    init(_ configuration: NodeConfiguration, tls: TLSSource) throws(CommandFailure) {
        me = NodeID(site: configuration.site, node: configuration.node)
        self.tls = tls
        handshakes = HandshakeCounters()
        proxy = try configuration.proxy?.httpProxy()
        let keepAlive = nanoseconds(configuration.timeouts.linkKeepAliveSeconds)
        self.keepAlive = keepAlive
        desk = configuration.carrier.map { carrier in
            CarrierDesk(
                CarrierSettings(
                    parkedPerNode: carrier.parkedPerNode, splices: carrier.splices, idle: nanoseconds(carrier.idleSeconds),
                    keepAlive: keepAlive))
        }
        metrics = LinkMetrics(handshakes: handshakes, desk: desk)
    }

    /// - Parameter address: `host:port`, or a URL as identities carry it; nil if it is neither.
    func upstream(at address: String) -> Upstream? {
        let bare = address.hasPrefix("https://") ? String(address.dropFirst(8)) : address
        return HostPort(bare.hasSuffix("/") ? String(bare.dropLast()) : bare).map { upstream(at: $0) }
    }

    func upstream(at target: HostPort) -> Upstream {
        let way = way(to: target.host)
        return Upstream(target: target, securedBy: tls, settings: settings(way), way: way, handshakes: handshakes)
    }

    /// How a host is reached: through the proxy, where one is set that covers it.
    func way(to host: String) -> Way { proxy?.way(to: host) ?? .direct }

    /// - Parameter known: made for the same node before, whose connections are kept where its way is the same.
    func upstream(to place: MeshPlace, known: Upstream? = nil) -> Upstream? {
        guard let named = place.carriers else { return upstream(at: place.address) }
        let carriers = named.compactMap { carrier in
            upstream(at: carrier.address).map { CarriedDialler.Carrier(node: carrier.node, upstream: $0) }
        }
        if let known, case .over(let dialler) = known.way, let carried = dialler as? CarriedDialler {
            carried.setCarriers(carriers)
            return known
        }
        let way = Way.over(CarriedDialler(to: place.node, me: me, carriers: carriers, desk: desk))
        var settings = settings(way)
        settings.connectTimeout = CarriedDialler.connectNanoseconds
        return Upstream(
            target: HostPort(host: "\(place.node.node).\(place.node.site)", port: 443), securedBy: tls, settings: settings,
            way: way, handshakes: handshakes)
    }

    private func settings(_ way: Way) -> Upstream.Settings {
        var settings = Upstream.Settings()
        settings.isKeptWarm = true
        // Not longer than the shortest idle time of proxies and firewalls in between.
        settings.idleLife = min(settings.idleLife, keepAlive * 2)
        return settings
    }

    /// How often links are tried, and how many are kept.
    var warmth: ConnectionPool.Warmth {
        var warmth = ConnectionPool.Warmth()
        warmth.pingAfter = keepAlive
        return warmth
    }
}
