/// White space and comments (JSON5 §7, §8).
extension JSON5Reader {
    mutating func skipSpace() throws(JSON5Error) {
        while let scalar = next {
            if Self.isSpace(scalar) || Self.endsLine(scalar) {
                index += 1
            } else if scalar == "/", self.scalar(1) == "/" {
                while let scalar = next, !Self.endsLine(scalar) { index += 1 }
            } else if scalar == "/", self.scalar(1) == "*" {
                try skipBlockComment()
            } else {
                return
            }
        }
    }

    private mutating func skipBlockComment() throws(JSON5Error) {
        let start = index
        index += 2
        while let scalar = next {
            if scalar == "*", self.scalar(1) == "/" {
                index += 2
                return
            }
            index += 1
        }
        throw failure("a comment begins here and is not closed; allowed: \"*/\" at its end", at: start)
    }

    static func endsLine(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\u{0B}", "\u{0C}", " ", "\u{A0}", "\u{FEFF}": true
        default: !scalar.isASCII && scalar.properties.generalCategory == .spaceSeparator
        }
    }
}
