import API
import CLinux
import Gossip
import Routing
import Storage
import Transport

/// Why a handshake with a trusted peer is refused all the same.
struct PeerBlocked: Error, CustomStringConvertible {
    let description: String
}

/// What its operator has blocked, and what is written down for them.
extension Node {
    /// Opens the node's audit log, and where it goes beside its file.
    ///
    /// - Throws: exit 1 and one line naming what cannot be used.
    static func auditLog(
        _ configuration: NodeConfiguration, on thread: StorageThread, log: Logger
    ) throws(CommandFailure) -> (AuditLog, SyslogSink?) {
        let source = "\(configuration.site)/\(configuration.node)"
        var sinks: [any AuditSink] = []
        if configuration.audit.usesJournal {
            sinks.append(
                try JournalSink(socket: configuration.audit.journaldSocket, source: source) { log.warning($0) })
        }
        let syslog = configuration.audit.syslog.map { _ in SyslogSink(source: source) }
        if let syslog { sinks.append(syslog) }
        let audit: AuditLog
        do throws(StorageError) {
            audit = try AuditLog(
                directory: configuration.stateDirectory, federation: configuration.federation, site: configuration.site,
                node: configuration.node, thread: thread, sinks: sinks, log: { log.warning($0) })
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
        audit.record(.operator, actor: source, subject: "node", detail: "starts, version \(Version.text)")
        return (audit, syslog)
    }

    /// Begins to send to the syslog server.
    static func startSyslog(
        _ sink: SyslogSink?, _ configuration: AuditConfiguration, _ audit: AuditLog, on loop: Loop, log: Logger
    ) throws(CommandFailure) {
        guard let sink, let server = configuration.syslog else { return }
        do throws(TransportError) {
            sink.start(
                try SyslogSender(
                    server, loop: loop, log: { log.warning($0) },
                    dropped: { count in
                        audit.record(
                            .audit, actor: "this node", subject: "syslog",
                            detail: "\(count) entries were not sent: the server was away for too long")
                    }))
        } catch { throw CommandFailure(exitCode: 1, message: "audit.syslog: \(error.message)") }
    }

    /// Opens the node's blocks.
    ///
    /// - Throws: exit 1 and one line naming the file that cannot be used.
    static func blockStore(
        _ configuration: NodeConfiguration, on thread: StorageThread, _ audit: AuditLog, log: Logger
    ) throws(CommandFailure) -> BlockStore {
        do throws(StorageError) {
            return try BlockStore(
                path: configuration.stateDirectory + "/blocks.db", thread: thread,
                nowSeconds: mesh_realtime_ns() / 1_000_000_000
            ) { level, message in
                log.log(level, message)
                if level == .error { audit.record(.block, actor: "this node", subject: "blocks.db", detail: message) }
            }
        } catch { throw CommandFailure(exitCode: 1, message: error.message) }
    }

    /// Refuses the handshake with a peer that is blocked.
    static func admit(_ peer: NodeID, _ blocks: Blocks) throws {
        guard let block = blocks.current?.peer(peer, nowSeconds: mesh_realtime_ns() / 1_000_000_000) else { return }
        throw PeerBlocked(description: "\(peer) is blocked by this node's operator (block \(block.id) on \(block.subject))")
    }

    /// Writes, and sends, what waits; 3 s at most.
    static func endAudit(_ audit: AuditLog, _ syslog: SyslogSink?) {
        let flag = Flag()
        Task {
            await audit.flush()
            flag.raise()
        }
        let limit = mesh_monotonic_ns() + 3_000_000_000
        while !(flag.isRaised && syslog?.isEmpty ?? true), mesh_monotonic_ns() < limit {
            _ = Signals.wait(milliseconds: 5)
        }
    }
}
