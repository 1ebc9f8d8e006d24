import Gossip
import Routing
import Storage
import Transport
import Trust

/// What answers at the node's ports.
extension Node {
    func service(
        _ handler: any HTTPHandler, _ secured: TLSSource, _ budget: BodyBudget,
        admits: (@Sendable (SocketAddress) -> Bool)? = nil
    ) -> HTTPService {
        var timeouts = HTTPServerTimeouts()
        timeouts.head = nanoseconds(configuration.timeouts.headSeconds)
        timeouts.body = nanoseconds(configuration.timeouts.bodySeconds)
        timeouts.idle = nanoseconds(configuration.timeouts.idleSeconds)
        timeouts.write = nanoseconds(configuration.timeouts.writeSeconds)
        return HTTPService(
            handler: handler, securedBy: secured, timeouts: timeouts, maximumConnections: configuration.limits.connections,
            bodyBudget: budget, admits: admits)
    }

    func meshPort(_ trust: MeshTrust, _ enrolment: any Enrolment, _ dialBack: DialBack) -> MeshPort {
        let mesh = mesh
        let keeper = keeper
        let log = log
        let audit = audit
        let gate = trust.gate
        let ledger = trust.ledger
        let linked = configuration.links.map(\.link)
        // A site of ours speaks by its admission, one of a linked federation by the link.
        let identities = IdentityVerifier(
            site: configuration.site, federation: configuration.federation,
            vouches: { node in
                guard let other = node.federation else { return ledger.admission(of: node.site)?.domains }
                return linked.first { $0.federation == other }?.vouches
            }, narrowing: configuration.access.vouching, counters: router.counters
        ) {
            gate.certificate(of: $0, keyID: $1)
        }
        return MeshPort(
            router: router, models: models, identities: identities, carrier: links.desk, data: configuration.data,
            federation: configuration.federation, linked: linked,
            bodyLimit: configuration.limits.bodyBytes, keepAlive: links.keepAlive,
            gossip: { await mesh.exchange(from: $0, $1, isShort: $2) },
            log: { error, address in
                audit.record(.refusal, actor: address?.host ?? "unknown", subject: "mesh connection", detail: error.message)
                // Once a minute for each reason and host: a stranger that tries every second must not fill the log.
                log.warnSeldom(
                    "mesh \(address?.host ?? "") \(error.message)",
                    "mesh connection from \(address?.description ?? "unknown") refused: \(error.message)")
            },
            routes: keeper.routes,
            audit: { peer, use in
                log.warning(
                    "direct: \(peer) submitted \(use.requestID) of \(use.user) for \(use.model) at \(use.at) in our absence")
            },
            refusals: { audit.record(.refusal, actor: "\($0)", subject: "mesh port", detail: $1) }, enrolment: enrolment,
            dialBack: dialBack, trustRound: { gate.round })
    }

    static func role(
        _ configuration: NodeConfiguration, _ keeper: TrustKeeper, _ issuer: RegistrationAuthority?,
        _ thread: StorageThread, _ audit: AuditLog, _ router: Router, meshURL: String, log: Logger
    ) throws(CommandFailure) -> FederationRole {
        try FederationRole(
            configuration, issuer: issuer, ledger: keeper.ledger, meshURL: meshURL, thread: thread, log: log,
            mesh: { router.view.mesh }, publish: { _ = await keeper.take([$0], from: nil) },
            note: { kind, actor, subject, detail in
                audit.record(kind, actor: actor, subject: subject, detail: detail)
                let line = "\(kind.rawValue): \(subject), by \(actor): \(detail)"
                // Strangers can be refused as often as they like.
                if kind == .joinRefused { log.warnSeldom("join \(actor) \(detail)", line) } else { log.info(line) }
            })
    }

    /// Plain HTTP beyond loopback is for the declared proxies alone.
    static func admission(_ configuration: NodeConfiguration) -> (@Sendable (SocketAddress) -> Bool)? {
        guard configuration.tls == nil, !configuration.trustedProxies.isEmpty else { return nil }
        let proxies = configuration.trustedProxies
        return { address in address.isLoopback || proxies.contains { $0.contains(address.host) } }
    }

    /// Between two pieces of what a function sends: longer than any of its own waits, so that it is the one to say what took too long.
    static func callbackSeconds(_ timeouts: TimeoutConfiguration) -> Double {
        max(timeouts.firstByteSeconds, timeouts.stallSeconds) + timeouts.connectSeconds + 10
    }
}
