import API
import CLinux
import Glibc
import Routing
import Synchronization

/// One line an event on standard error, readable or JSON; a line is written whole.
final class Logger: Sendable {
    let level: LogLevel
    private let json: Bool
    private let source: String
    private let seldom = Mutex<[String: Seldom]>([:])

    private struct Seldom {
        var until: UInt64
        var suppressed = 0
    }

    /// - Parameter source: who speaks, `site/node`.
    init(level: LogLevel, json: Bool, source: String) {
        self.level = level
        self.json = json
        self.source = source
    }

    func debug(_ message: @autoclosure () -> String) { if level <= .debug { write(.debug, message()) } }
    func info(_ message: @autoclosure () -> String) { if level <= .info { write(.info, message()) } }
    func warning(_ message: String) { write(.warning, message) }
    func error(_ message: String) { write(.error, message) }

    func log(_ level: LogLevel, _ message: String) {
        if level >= self.level { write(level, message) }
    }

    /// Says the same thing once a minute at most; the next line tells how often it happened in between.
    func warnSeldom(_ topic: String, _ message: String) {
        let now = mesh_monotonic_ns()
        let suppressed: Int? = seldom.withLock { table in
            if var known = table[topic], known.until > now {
                known.suppressed += 1
                table[topic] = known
                return nil
            }
            let before = table[topic]?.suppressed ?? 0
            // Topics come from peers' certificates and addresses: bounded.
            if table.count >= 1024 { table.removeAll() }
            table[topic] = Seldom(until: now + 60_000_000_000)
            return before
        }
        guard let suppressed else { return }
        write(.warning, suppressed == 0 ? message : "\(message) (and \(suppressed) times more in the last minute)")
    }

    private func write(_ level: LogLevel, _ message: String) {
        guard level >= self.level else { return }
        let at = stamp()
        // What peers and clients send is shown, never obeyed: no line of theirs starts a line of ours.
        let clean = message.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : String($0) }.joined()
        let line: String
        if json {
            line = #"{"at":"\#(at)","level":"\#(level)","node":"\#(source)","message":"\#(jsonEscaped(clean))"}"# + "\n"
        } else {
            line = "\(at) \(level)\(level == .info ? "   " : level == .warning ? "" : "  ") [\(source)] \(clean)\n"
        }
        var text = line
        text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }

    private func stamp() -> String {
        var moment = time(nil)
        var parts = tm()
        gmtime_r(&moment, &parts)
        var bytes = [CChar](repeating: 0, count: 32)
        let count = strftime(&bytes, 32, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
