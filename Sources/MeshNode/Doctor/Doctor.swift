import Routing
import Transport
import Trust

/// Looks at everything that a node needs, one thing after the other, and says what is wrong with it. Changes nothing: it may listen on
/// the mesh port for a moment, if the node does not, so that a peer can try to reach it.
struct Doctor {
    let configuration: NodeConfiguration
    private let report: (Finding) -> Void
    private(set) var findings: [Finding] = []

    /// Who holds the ports of a node that is looked at.
    struct Ports {
        /// The node runs: one of its ports answers in its name.
        var isRunning = false
    }

    init(_ configuration: NodeConfiguration, report: @escaping (Finding) -> Void) {
        self.configuration = configuration
        self.report = report
    }

    /// - Parameter fipsIsRequired: by the configuration or the environment.
    mutating func run(fipsIsRequired: Bool) {
        add(Self.openSSL(fipsIsRequired: fipsIsRequired))
        add(Self.clock())
        add(Self.state(configuration.stateDirectory))
        add(Self.limits(configuration.limits))
        let trust = certificates()
        add(apiCertificate())
        let worker: Worker
        do throws(TransportError) {
            worker = try Worker(index: 0)
        } catch { return add([.fail("limits", error.message)]) }
        worker.start()
        let ports = ports(worker, trust)
        add(Self.proxies(configuration, of: Environment.value))
        backends(worker)
        if let trust {
            do throws(CommandFailure) {
                reachability(worker, trust, try MeshLinks(configuration, tls: trust.clientTLS), ports)
            } catch { add([.fail("proxy", error.message)]) }
        }
        worker.stop()
    }

    mutating func add(_ new: [Finding]) {
        for finding in new { report(finding) }
        findings += new
    }
}
