/// Numbers (JSON5 §6): decimal, hexadecimal, `Infinity` and `NaN`, each with an optional sign.
extension JSON5Reader {
    mutating func number() throws(JSON5Error) -> JSON5Number {
        let start = index
        let isNegative = next == "-"
        if next == "+" || next == "-" { index += 1 }
        var number: JSON5Number
        if take("Infinity") {
            number = JSON5Number(text: "", value: .infinity)
        } else if take("NaN") {
            number = JSON5Number(text: "", value: .nan)
        } else if next == "0", scalar(1) == "x" || scalar(1) == "X" {
            number = try hexadecimalNumber()
        } else {
            number = try decimalNumber(begun: start)
        }
        if let next, Self.continuesIdentifier(next) || next == "\\" || next == "." {
            throw failure("found \(found) right after a number; allowed: \",\", a bracket, space or a comment")
        }
        if isNegative {
            number.value.negate()
            number.integer = number.integer.map { -$0 }
        }
        number.text = String(String.UnicodeScalarView(source.scalars[start..<index]))
        return number
    }

    private mutating func take(_ word: String) -> Bool {
        let scalars = Array(word.unicodeScalars)
        guard source.scalars[index...].starts(with: scalars) else { return false }
        index += scalars.count
        return true
    }

    private mutating func hexadecimalNumber() throws(JSON5Error) -> JSON5Number {
        index += 2
        let start = index
        var value = 0.0
        var integer: Int? = 0
        while let next, let digit = Self.hexadecimalDigit(next) {
            value = value * 16 + Double(digit)
            integer = integer.flatMap { $0 <= Int.max >> 4 ? $0 << 4 | Int(digit) : nil }
            index += 1
        }
        guard index > start else { throw failure("found \(found); allowed: hexadecimal digits after 0x") }
        return JSON5Number(text: "", value: value, integer: integer)
    }

    private mutating func decimalNumber(begun start: Int) throws(JSON5Error) -> JSON5Number {
        let whole = digits()
        if whole.count > 1, whole.hasPrefix("0") {
            throw failure("found a number with a leading 0; allowed: decimal without it, or 0x…", at: start)
        }
        var fraction = ""
        if next == "." {
            index += 1
            fraction = digits()
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw failure("found \(found); allowed: the digits of a number") }
        var exponent = ""
        if next == "e" || next == "E" {
            index += 1
            if next == "-" { exponent = "-" }
            if next == "+" || next == "-" { index += 1 }
            let power = digits()
            guard !power.isEmpty else { throw failure("found \(found); allowed: the digits of an exponent") }
            exponent += power
        }
        let text = "\(whole.isEmpty ? "0" : whole).\(fraction.isEmpty ? "0" : fraction)e\(exponent.isEmpty ? "0" : exponent)"
        guard let value = Double(text) else { throw failure("found a number that cannot be read", at: start) }
        // Digits alone are exact at any length; 1e3 and 2.0 are whole numbers as far as a Double is exact.
        let isPlain = fraction.isEmpty && exponent.isEmpty
        let integer = isPlain ? Int(whole) : (abs(value) <= 9_007_199_254_740_992 ? Int(exactly: value) : nil)
        return JSON5Number(text: "", value: value, integer: integer)
    }

    private mutating func digits() -> String {
        let start = index
        while let next, ("0"..."9").contains(next) { index += 1 }
        return String(String.UnicodeScalarView(source.scalars[start..<index]))
    }
}
