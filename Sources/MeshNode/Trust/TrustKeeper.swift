import CLinux
import Gossip
import Routing
import Storage
import Transport
import Trust

/// Keeps this node's part in the federation: learns and passes on what its operator says, carries out revocations, and renews
/// the node's certificate. Lives on one loop; its messages travel on the connections of gossip.
actor TrustKeeper {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    nonisolated let trust: MeshTrust
    nonisolated let router: Router
    nonisolated let log: Logger
    nonisolated let audit: AuditLog
    nonisolated let issuer: RegistrationAuthority?
    let mesh: MeshShell
    let workers: [Worker]
    let store: StatementStore
    private lazy var alarm = Alarm(loop: loop)
    var random = SystemRandomNumberGenerator()

    /// Peers not to be asked before then (monotonic nanoseconds).
    var quietUntil: [NodeID: UInt64] = [:]
    var exchangesUnderWay = 0

    var renewal = RenewalState()
    /// How often others are served.
    nonisolated let renewals = RenewalLimiter()
    private var selfRefusalSaidAt: UInt64 = 0

    nonisolated var ledger: TrustLedger { trust.ledger }
    nonisolated var me: NodeID { trust.me }

    /// - Parameter issuer: what makes this node a registration authority; nil: it is none.
    init(
        trust: MeshTrust, router: Router, mesh: MeshShell, workers: [Worker], store: StatementStore,
        issuer: RegistrationAuthority?, audit: AuditLog, log: Logger
    ) {
        self.trust = trust
        self.router = router
        self.mesh = mesh
        self.workers = workers
        self.store = store
        self.issuer = issuer
        self.audit = audit
        self.log = log
        loop = workers[0].loop
    }

    /// Seconds between two looks around.
    private static let tickSeconds = 0.5

    /// Begins; returns at once.
    nonisolated func start() {
        Task(executorPreference: loop) { await self.run() }
    }

    private func run() async {
        while true {
            issuer?.reload(trust.gate)
            if ledger.expire(now: PeerGate.now) { await changed(bundle: false) }
            exchangeWhereDifferent()
            renewIfDue()
            for worker in workers { await worker.endExpiredConnections(now: PeerGate.now) }
            sayOwnRefusal()
            await alarm.sleep(nanoseconds: UInt64((Self.tickSeconds * (0.8 + 0.4 * unit())) * 1e9))
        }
    }

    /// From 0 to 1.
    func unit() -> Double { Double.random(in: 0..<1, using: &random) }

    /// Looks around now.
    func wake() { alarm.ring() }

    /// What others are told of this node's trust.
    nonisolated func describe(_ identity: inout Identity) {
        let own = trust.current
        identity.certificate = Base64.encode(own.certificate.der)
        identity.certificateExpires = UInt64(max(0, own.certificate.notAfter))
        identity.issuers = own.issuers.isEmpty ? nil : own.issuers.map { Base64.encode($0.der) }
        identity.issues = issuer?.isReady == true ? true : nil
        let digest = ledger.digest
        identity.ledger = digest.isEmpty ? nil : digest
        let serial = ledger.bundle.serial
        identity.bundle = serial == 0 ? nil : serial
    }

    func publish() async { await mesh.update { self.describe(&$0) } }

    // MARK: Our own revocation

    /// Why this node has no place in the federation any more; nil: it has.
    nonisolated var ownRevocation: String? {
        guard let refusal = trust.ownRefusal, case .revoked = refusal else { return nil }
        return "\(refusal)"
    }

    private func sayOwnRefusal() {
        guard let refusal = ownRevocation else { return }
        let now = mesh_monotonic_ns()
        guard selfRefusalSaidAt == 0 || now > selfRefusalSaidAt + 60_000_000_000 else { return }
        selfRefusalSaidAt = now
        log.error("THIS NODE WAS REVOKED: no other node talks to it; ask the federation's operator. \(refusal)")
    }
}
