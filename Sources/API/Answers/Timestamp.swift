import CLinux
import Glibc

/// Points in time as operators read them.
public enum Timestamp {
    /// RFC 3339 in UTC, to the second.
    public static func text(seconds: UInt64) -> String {
        var moment = time_t(truncatingIfNeeded: seconds)
        var parts = tm()
        gmtime_r(&moment, &parts)
        var bytes = [CChar](repeating: 0, count: 32)
        let count = strftime(&bytes, 32, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// RFC 3339 in UTC, to the millisecond.
    public static func text(milliseconds: UInt64) -> String {
        let rest = String(milliseconds % 1000)
        let zeros = String(repeating: "0", count: 3 - rest.count)
        return "\(text(seconds: milliseconds / 1000).dropLast()).\(zeros)\(rest)Z"
    }

    /// This moment.
    public static var now: String { text(seconds: mesh_realtime_ns() / 1_000_000_000) }
}
