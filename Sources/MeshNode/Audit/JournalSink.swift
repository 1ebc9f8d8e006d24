import CLinux
import Glibc
import Storage
import Synchronization
import Trust

/// Hands audit entries to the system's journal, by its native protocol: one datagram an entry, fields as `NAME=value` lines
/// (systemd.io/JOURNAL_NATIVE_PROTOCOL). Never waits: what the journal does not take at once is counted as lost to it.
final class JournalSink: AuditSink {
    private let descriptor: Int32
    private let address: sockaddr_un
    private let source: String
    private let failing = Mutex<Bool>(false)
    private let log: @Sendable (String) -> Void

    /// Priorities of syslog: most is a notice, what went against somebody a warning.
    static func priority(_ entry: AuditEntry) -> Int {
        switch AuditKind(rawValue: entry.kind) {
        case .refusal, .joinRefused, .revocation, .block, .audit: 4
        default: 5
        }
    }

    /// - Parameter source: `site/node`.
    /// - Throws: exit 1 where there is no socket to be had.
    init(socket path: String, source: String, log: @escaping @Sendable (String) -> Void) throws(CommandFailure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else {
            throw CommandFailure(exitCode: 1, message: "audit.journaldSocket: the path has more than \(room - 1) bytes")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        self.address = address
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            throw CommandFailure(exitCode: 1, message: "no socket for the journal: \(String(cString: strerror(errno)))")
        }
        self.source = source
        self.log = log
    }

    deinit { close(descriptor) }

    func take(_ entries: [AuditEntry]) {
        for entry in entries {
            let fields = [
                ("MESSAGE", Self.message(entry)), ("PRIORITY", "\(Self.priority(entry))"), ("SYSLOG_FACILITY", "13"),
                ("SYSLOG_IDENTIFIER", "meshnode-audit"), ("MESHNODE_NODE", source),
                ("MESHNODE_AUDIT_SEQUENCE", "\(entry.sequence)"), ("MESHNODE_AUDIT_KIND", entry.kind),
                ("MESHNODE_AUDIT_ACTOR", entry.actor), ("MESHNODE_AUDIT_SUBJECT", entry.subject),
                ("MESHNODE_AUDIT_COUNT", "\(entry.count)"), ("MESHNODE_AUDIT_HASH", entry.hash.hex),
            ]
            // An entry's texts have no line ends.
            send(fields.map { "\($0)=\($1)\n" }.joined())
        }
    }

    /// For people.
    static func message(_ entry: AuditEntry) -> String {
        let what = [entry.kind, entry.subject].filter { !$0.isEmpty }.joined(separator: ": ")
        let times = entry.count > 1 ? " (\(entry.count) times)" : ""
        return "\(what) by \(entry.actor)\(entry.detail.isEmpty ? "" : ": \(entry.detail)")\(times)"
    }

    private func send(_ text: String) {
        var address = address
        let bytes = Array(text.utf8)
        let sent = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL), $0,
                    socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        let reason = sent < 0 ? String(cString: strerror(mesh_errno())) : nil
        note(reason)
    }

    /// Says once that it fails, and once that it works again.
    @inline(never)
    private func note(_ reason: String?) {
        let changed: Bool = failing.withLock {
            let was = $0
            $0 = reason != nil
            return was != $0
        }
        guard changed else { return }
        log(reason.map { "the journal does not take audit entries: \($0)" } ?? "the journal takes audit entries again")
    }
}
