import CLinux
import Glibc

/// How long something lasts, in words.
enum Lifetime {
    /// `47 h 12 min`; below a minute, seconds.
    static func text(seconds: Int64) -> String {
        switch seconds {
        case ..<1: "no time"
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        default: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        }
    }

    /// `24h` to seconds; nil for what is no time. Units: s, m, h, d.
    static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), (2...7).contains(text.utf8.count),
            text.dropLast().utf8.allSatisfy(Names.isDigit), let count = Int64(text.dropLast()), count > 0
        else { return nil }
        return count * unit
    }

    /// RFC 3339 in UTC, to the second.
    static func moment(_ seconds: Int64) -> String {
        var moment = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&moment, &parts) != nil else { return "\(seconds) s since 1970" }
        var bytes = [CChar](repeating: 0, count: 64)
        let count = strftime(&bytes, bytes.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func sentence(of token: StoredToken, now: Int64) -> String {
        "valid for \(text(seconds: token.expires - now)), until \(moment(token.expires))"
    }
}
