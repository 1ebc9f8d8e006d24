/// Floats as Python's `repr` writes them: the shortest digits that read back the same, an exponent below 1e-4 and from 1e16.
enum PythonFloat {
    /// - Parameter value: finite.
    static func text(_ value: Double) -> String {
        guard value != 0 else { return value.sign == .minus ? "-0.0" : "0.0" }
        // Swift's digits are the shortest too; only its choice of where to begin with exponents differs.
        var digits: [UInt8] = []
        var pointAt: Int?
        var exponent = 0
        let written = Array(value.magnitude.description.utf8)
        for (index, byte) in written.enumerated() {
            if byte == UInt8(ascii: ".") {
                pointAt = digits.count
            } else if byte == UInt8(ascii: "e") {
                exponent = Int(String(decoding: written[(index + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                digits.append(byte)
            }
        }
        // The value is 0.DIGITS × 10^point.
        var point = (pointAt ?? digits.count) + exponent
        let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(zeros)
        point -= zeros
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (value < 0 ? "-" : "") + layOut(String(decoding: digits, as: UTF8.self), point)
    }

    private static func layOut(_ digits: String, _ point: Int) -> String {
        let count = digits.utf8.count
        if point > 16 || point < -3 {
            let exponent = point - 1
            let magnitude = String(exponent.magnitude)
            return String(digits.prefix(1)) + (count > 1 ? "." + digits.dropFirst() : "") + "e" + (exponent < 0 ? "-" : "+")
                + (magnitude.utf8.count < 2 ? "0" : "") + magnitude
        }
        if point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
        if point >= count { return digits + String(repeating: "0", count: point - count) + ".0" }
        return digits.prefix(point) + "." + digits.dropFirst(point)
    }
}
