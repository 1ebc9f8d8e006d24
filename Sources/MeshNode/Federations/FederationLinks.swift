import CLinux
import Gossip
import Routing
import Transport
import Trust

/// Keeps the links with other federations: asks their gateways what they offer, and reads their roots anew when the files change.
actor FederationLinks {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// One of the links, and how it stands.
    private struct State {
        let configured: LinkConfiguration
        var roots: [UInt8] = []
        var nodes: [LinkedNode] = []
        var heardAt: UInt64?
        /// Which of the gateways answered last.
        var gateway = 0
        var isAsked = false
    }

    private var states: [State]
    private let trust: MeshTrust
    private let links: MeshLinks
    private let mesh: MeshShell
    private let log: Logger
    private lazy var pool = ConnectionPool(loop: loop)
    private lazy var alarm = Alarm(loop: loop)
    private var told: [LinkedNode] = []

    /// Between two questions; and how long an answer is good.
    private static let pauseSeconds = 3.0
    private static let keptNanoseconds: UInt64 = 20_000_000_000
    private static let questionSeconds = 5.0
    private static let rootsBytes = 1 << 20

    init(_ configured: [LinkConfiguration], trust: MeshTrust, links: MeshLinks, mesh: MeshShell, log: Logger, loop: Loop) {
        states = configured.map { State(configured: $0) }
        self.trust = trust
        self.links = links
        self.mesh = mesh
        self.log = log
        self.loop = loop
    }

    nonisolated func start() {
        Task(executorPreference: loop) { await self.run() }
    }

    private func run() async {
        guard !states.isEmpty else { return }
        while true {
            readRoots()
            // Each by itself: gateways of one federation that let us wait must not cost the link with another.
            for index in states.indices where !states[index].configured.gateways.isEmpty && !states[index].isAsked {
                states[index].isAsked = true
                Task(executorPreference: loop) { await self.askNow(index) }
            }
            await tell()
            await alarm.sleep(nanoseconds: UInt64(Self.pauseSeconds * 1e9))
        }
    }

    /// The other federation's roots change when its operator changes them: whoever keeps this site's files brings the new ones.
    private func readRoots() {
        var changed = false
        for index in states.indices {
            let file = states[index].configured.caFile
            do throws(TrustError) {
                let bytes = try PublicFile.read(file, maximumBytes: Self.rootsBytes)
                guard bytes != states[index].roots else { continue }
                _ = try Certificate.load(pemFile: file)
                states[index].roots = bytes
                changed = true
            } catch {
                log.warnSeldom(
                    "link roots \(file)", "the link with \(states[index].configured.link.federation) does not work: \(error)"
                )
            }
        }
        guard changed else { return }
        var bundles: [String: TrustBundle] = [:]
        for state in states where !state.roots.isEmpty {
            guard let roots = try? Certificate.load(pemFile: state.configured.caFile) else { continue }
            bundles[state.configured.link.federation] = TrustBundle(serial: 0, roots: roots)
        }
        trust.gate.link(bundles)
    }

    private func askNow(_ index: Int) async {
        await ask(index)
        states[index].isAsked = false
        await tell()
    }

    /// Asks the gateway that answered last, then the others.
    private func ask(_ index: Int) async {
        let configured = states[index].configured
        let federation = configured.link.federation
        guard !states[index].roots.isEmpty else { return }
        for step in configured.gateways.indices {
            let gateway = (states[index].gateway + step) % configured.gateways.count
            let address = configured.gateways[gateway].description
            do throws(TransportError) {
                guard let upstream = links.upstream(at: address) else { continue }
                let answer = try await pool.request(
                    upstream, method: "POST", target: LinkList.path.description, body: [], limit: LinkList.bytesAllowed,
                    deadline: mesh_monotonic_ns() &+ UInt64(Self.questionSeconds * 1e9)
                ) { (stream) throws(TransportError) in
                    guard (stream.peerIdentity as? NodeID)?.federation == federation else {
                        throw TransportError(.tls, "no node of \(federation) answers there")
                    }
                }
                guard answer.status == 200, let list = LinkList.decode(answer.body, of: federation) else {
                    throw TransportError(.protocolViolation, "it answered \(answer.status), and no list of what it offers")
                }
                if states[index].heardAt == nil { log.info("linked with \(federation) by \(address)") }
                states[index].gateway = gateway
                states[index].heardAt = mesh_monotonic_ns()
                states[index].nodes = configured.link.taken(list, now: mesh_monotonic_ns())
                return
            } catch {
                log.warnSeldom(
                    "link \(address)", "the gateway \(address) of \(federation) does not answer: \(error.message)")
            }
        }
    }

    /// Hands what is known to whoever routes; what was not heard for long is not known.
    private func tell() async {
        let now = mesh_monotonic_ns()
        for index in states.indices {
            guard let heard = states[index].heardAt, now - heard > Self.keptNanoseconds else { continue }
            log.warning("the link with \(states[index].configured.link.federation) is down: no gateway answers")
            states[index].heardAt = nil
            states[index].nodes = []
        }
        let nodes = states.flatMap(\.nodes)
        guard nodes != told else { return }
        told = nodes
        await mesh.setLinked(nodes)
    }
}
