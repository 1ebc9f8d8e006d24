import API
import CLinux
import Glibc
import Routing
import Storage
import Synchronization
import Transport

/// From the start to the end.
extension Node {
    /// Runs until a signal ends it: leaves the mesh, ends what is under way, and returns.
    func runUntilSignal() {
        while true {
            switch Signals.wait() {
            case SIGINT, SIGTERM: return stop()
            case SIGHUP: log.info("SIGHUP: a running node does not reload its configuration yet; restart it to change that")
            default: continue
            }
        }
    }

    /// Seconds that requests under way may take after the node has left.
    private static let drainSeconds = 30

    private func stop() {
        log.info("stopping: leaving the mesh, \(api.inFlight) requests under way")
        let workers = workers
        let mesh = mesh
        let flag = Flag()
        audit.record(.operator, actor: "\(router.me)", subject: "node", detail: "stops: a signal came")
        Task {
            await mesh.leave()
            for worker in workers { await worker.drain() }
            flag.raise()
        }
        let limit = mesh_monotonic_ns() + UInt64(Self.drainSeconds) * 1_000_000_000
        while mesh_monotonic_ns() < limit, !(flag.isRaised && api.inFlight == 0) {
            // A second signal means now.
            if let signal = Signals.wait(milliseconds: 20), signal == SIGINT || signal == SIGTERM { break }
        }
        globus?.stop()
        Self.endReceipts(receiptKeeper)
        Self.endAudit(audit, syslog)
        log.info("stopped")
    }

    /// Writes the receipts that wait; 3 s at most.
    private static func endReceipts(_ keeper: ReceiptKeeper?) {
        guard let keeper else { return }
        let flag = Flag()
        Task {
            await keeper.flush()
            flag.raise()
        }
        let limit = mesh_monotonic_ns() + 3_000_000_000
        while !flag.isRaised, mesh_monotonic_ns() < limit { _ = Signals.wait(milliseconds: 5) }
    }
}

/// Something that has happened.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
}
