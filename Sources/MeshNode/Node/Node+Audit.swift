import CLinux
import Storage

extension Node {
    /// Opens the node's audit log.
    ///
    /// - Throws: exit 1 and one line naming the file that cannot be used.
    static func auditLog(
        _ configuration: NodeConfiguration, on thread: StorageThread, log: Logger
    ) throws(CommandFailure) -> AuditLog {
        let audit: AuditLog
        do throws(StorageError) {
            audit = try AuditLog(
                directory: configuration.stateDirectory, federation: configuration.federation, site: configuration.site,
                node: configuration.node, thread: thread, log: { log.warning($0) })
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        audit.record(
            .operator, actor: "\(configuration.site)/\(configuration.node)", subject: "node",
            detail: "starts, version \(Version.text)")
        return audit
    }

    /// Waits on the main thread for a piece of work, but not for ever.
    static func wait(limitMilliseconds: UInt64, for work: @escaping @Sendable () async -> Void) {
        let flag = Flag()
        Task {
            await work()
            flag.raise()
        }
        let limit = mesh_monotonic_ns() + limitMilliseconds * 1_000_000
        while !flag.isRaised, mesh_monotonic_ns() < limit { _ = Signals.wait(milliseconds: 5) }
    }
}
