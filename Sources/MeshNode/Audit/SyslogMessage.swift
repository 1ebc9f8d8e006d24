import API
import Glibc
import Storage
import Trust

/// Audit entries as syslog messages (RFC 5424), framed for TLS by their length (RFC 5425 §4.3).
struct SyslogMessage {
    let host: String
    let process: String
    /// `site/node`.
    let source: String

    /// Of log audit (RFC 5424 §6.2.1).
    private static let facility = 13

    init(source: String) {
        self.source = source
        var name = [CChar](repeating: 0, count: 256)
        let found = gethostname(&name, 255) == 0
        let text = found ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : ""
        host = Self.printable(text, 255)
        process = "\(getpid())"
    }

    init(host: String, process: String, source: String) {
        self.host = host
        self.process = process
        self.source = source
    }

    func text(_ entry: AuditEntry) -> String {
        let priority = Self.facility * 8 + JournalSink.priority(entry)
        var data = "[meshnode@32473 node=\"\(Self.escaped(source))\""
        for (name, value) in [
            ("sequence", "\(entry.sequence)"), ("actor", entry.actor), ("subject", entry.subject),
            ("count", "\(entry.count)"), ("hash", entry.hash.hex),
        ] {
            data += " \(name)=\"\(Self.escaped(value))\""
        }
        let at = Timestamp.text(milliseconds: entry.at)
        // The mark says that what follows is UTF-8 (§6.4).
        return "<\(priority)>1 \(at) \(host) meshnode \(process) \(Self.printable(entry.kind, 32)) \(data)] "
            + "\u{FEFF}\(JournalSink.message(entry))"
    }

    func frame(_ entry: AuditEntry) -> [UInt8] {
        let bytes = Array(text(entry).utf8)
        return Array("\(bytes.count) ".utf8) + bytes
    }

    /// Names have visible ASCII alone (§6); `-` for nothing.
    private static func printable(_ text: String, _ limit: Int) -> String {
        let kept = text.utf8.filter { $0 > 32 && $0 < 127 }.prefix(limit)
        return kept.isEmpty ? "-" : String(decoding: Array(kept), as: UTF8.self)
    }

    /// §6.3.3.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" || scalar == "]" { out += "\\" }
            out.unicodeScalars.append(scalar)
        }
        return out
    }
}
