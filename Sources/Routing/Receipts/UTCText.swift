/// Points in time as people write them: RFC 3339 in UTC, to the millisecond.
public enum UTCText {
    /// - Parameter milliseconds: since 1970; from the year 10000 on the last moment before it.
    public static func text(milliseconds: UInt64) -> String {
        let milliseconds = min(milliseconds, latest)
        let (year, month, day) = civil(days: Int(milliseconds / 86_400_000))
        let rest = Int(milliseconds % 86_400_000)
        let (seconds, thousandths) = (rest / 1000, rest % 1000)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(seconds / 3600, 2)):"
            + "\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(thousandths, 3))Z"
    }

    /// Milliseconds since 1970 of `2026-11-25T14:03:00Z`, with or without a fraction of a second; nil for all else.
    public static func milliseconds(_ text: String) -> UInt64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.count <= 30, bytes[bytes.count - 1] == UInt8(ascii: "Z") else { return nil }
        for (index, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")] where bytes[index] != mark.utf8.first {
            return nil
        }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), year >= 1970, let month = number(5..<7), (1...12).contains(month),
            let day = number(8..<10), let hour = number(11..<13), hour < 24, let minute = number(14..<16), minute < 60,
            let second = number(17..<19), second < 60
        else { return nil }
        let days = days(year, month, day)
        guard day >= 1, civil(days: days) == (year, month, day) else { return nil }
        var thousandths = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count > 21, number(20..<bytes.count - 1) != nil else { return nil }
            let digits = min(3, bytes.count - 21)
            thousandths = (number(20..<20 + digits) ?? 0) * [100, 10, 1][digits - 1]
        }
        return UInt64(((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + UInt64(thousandths)
    }

    /// 9999-12-31T23:59:59.999Z.
    private static let latest: UInt64 = 253_402_300_799_999

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// The day so many days after 1970-01-01 (Hinnant, chrono-compatible low-level date algorithms).
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (year / 400, year % 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
