/// Strings (JSON5 §5) and unquoted keys (JSON5 §3: the IdentifierName of ECMAScript 5.1).
extension JSON5Reader {
    mutating func string() throws(JSON5Error) -> String {
        let start = index
        let quote = next
        index += 1
        var text = String.UnicodeScalarView()
        while let scalar = next {
            switch scalar {
            case quote:
                index += 1
                return String(text)
            case "\\":
                try escape(into: &text)
            case "\n", "\r":
                throw failure("a string begins here and is not closed before the end of its line", at: start)
            default:
                text.append(scalar)
                index += 1
            }
        }
        throw failure("a string begins here and is not closed before the end of the file", at: start)
    }

    mutating func identifier() throws(JSON5Error) -> String {
        let start = index
        var text = String.UnicodeScalarView()
        while let scalar = next {
            let here = index
            var taken = scalar
            if scalar == "\\" {
                guard self.scalar(1) == "u" else { throw failure("found \"\\\"; allowed in a key without quotes: \\uXXXX") }
                index += 2
                taken = try utf16Escape(begun: here)
            }
            let fits = Self.startsIdentifier(taken) || (!text.isEmpty && Self.continuesIdentifier(taken))
            guard fits else {
                if scalar == "\\" {
                    throw failure("found an escape that is no part of a key; allowed: a quoted key", at: here)
                }
                break
            }
            if scalar != "\\" { index += 1 }
            text.append(taken)
        }
        guard !text.isEmpty else { throw failure("found \(found); allowed: a key", at: start) }
        return String(text)
    }

    static func startsIdentifier(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "$" || scalar == "_" { return true }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber: true
        default: false
        }
    }

    static func continuesIdentifier(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\u{200C}" || scalar == "\u{200D}" { return true }
        return switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: true
        default: startsIdentifier(scalar)
        }
    }

    private mutating func escape(into text: inout String.UnicodeScalarView) throws(JSON5Error) {
        let start = index
        index += 1
        guard let scalar = next else { throw failure("found the end of the file; allowed: the rest of a string") }
        index += 1
        switch scalar {
        case "b": text.append("\u{08}")
        case "f": text.append("\u{0C}")
        case "n": text.append("\n")
        case "r": text.append("\r")
        case "t": text.append("\t")
        case "v": text.append("\u{0B}")
        case "x": text.append(Unicode.Scalar(UInt8(truncatingIfNeeded: try hexadecimal(digits: 2, begun: start))))
        case "u": text.append(try utf16Escape(begun: start))
        case "0":
            if let next, ("0"..."9").contains(next) { throw octal(at: start) }
            text.append("\0")
        case "1"..."9": throw octal(at: start)
        case "\r":
            // A line continuation adds nothing; CR LF is one line end.
            if next == "\n" { index += 1 }
        case "\n", "\u{2028}", "\u{2029}": break
        default: text.append(scalar)
        }
    }

    private func octal(at start: Int) -> JSON5Error {
        failure("found an escape with a digit; allowed: \\xHH or \\uHHHH", at: start)
    }

    /// The rest of `\uXXXX`, with its second half where the first is a high surrogate.
    private mutating func utf16Escape(begun start: Int) throws(JSON5Error) -> Unicode.Scalar {
        let first = try hexadecimal(digits: 4, begun: start)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, next == "\\", scalar(1) == "u" else { throw halfPair(at: start) }
        index += 2
        let second = try hexadecimal(digits: 4, begun: start)
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw halfPair(at: start) }
        return scalar
    }

    private func halfPair(at start: Int) -> JSON5Error {
        failure("found half of a surrogate pair; allowed: both halves, \\uD8XX\\uDCXX", at: start)
    }

    private mutating func hexadecimal(digits: Int, begun start: Int) throws(JSON5Error) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let next, let digit = Self.hexadecimalDigit(next) else {
                throw failure(
                    "found \(found); allowed: \(digits) hexadecimal digits after \\\(digits == 2 ? "x" : "u")", at: start)
            }
            value = value << 4 | digit
            index += 1
        }
        return value
    }

    static func hexadecimalDigit(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar {
        case "0"..."9": scalar.value - 0x30
        case "a"..."f": scalar.value - 0x61 + 10
        case "A"..."F": scalar.value - 0x41 + 10
        default: nil
        }
    }
}
