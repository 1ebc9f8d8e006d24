import Glibc

extension JSONWalker {
    /// At the opening quote: steps over the string, validating its escapes and UTF-8. The range is inside the quotes.
    @inline(__always)
    mutating func string() throws(JSONSyntaxError) -> Range<Int> {
        at &+= 1
        let start = at
        while true {
            // Sixteen, then eight bytes at a time while none is a quote, a backslash, a control or outside ASCII.
            while at &+ 16 <= end {
                let first = EightBytes.load(pointer + at), second = EightBytes.load(pointer + at + 8)
                if EightBytes.endsPlainText(first) | EightBytes.endsPlainText(second) != 0 { break }
                at &+= 16
            }
            while at &+ 8 <= end {
                let stops = EightBytes.endsPlainText(EightBytes.load(pointer + at))
                if stops != 0 {
                    at &+= stops.trailingZeroBitCount &>> 3
                    break
                }
                at &+= 8
            }
            guard at < end else { throw fail("the JSON ends inside a string") }
            let byte = pointer[at]
            if byte == 0x22 {
                at &+= 1
                return Range(uncheckedBounds: (start, at &- 1))
            }
            if byte == 0x5C {
                try escape()
            } else if byte >= 0x80 {
                repeat { try multibyte() } while at < end && pointer[at] >= 0x80
            } else if byte < 32 {
                throw fail("a control byte inside a string (RFC 8259 §7)")
            } else {
                at &+= 1
            }
        }
    }

    @inline(__always)
    private mutating func escape() throws(JSONSyntaxError) {
        guard at &+ 1 < end else { throw fail("the JSON ends inside a string") }
        switch pointer[at &+ 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: at &+= 2
        case 0x75: try unicodeEscape()
        default: throw fail("an escape that JSON does not have (RFC 8259 §7)")
        }
    }

    private mutating func unicodeEscape() throws(JSONSyntaxError) {
        let unit = try codeUnit(at)
        if unit & 0xFC00 == 0xD800 {
            guard at &+ 7 < end, pointer[at &+ 6] == 0x5C, pointer[at &+ 7] == 0x75, try codeUnit(at &+ 6) & 0xFC00 == 0xDC00
            else { throw fail("half of a surrogate pair alone (RFC 8259 §8.2)") }
            at &+= 12
        } else {
            guard unit & 0xFC00 != 0xDC00 else { throw fail("half of a surrogate pair alone (RFC 8259 §8.2)") }
            at &+= 6
        }
    }

    private func codeUnit(_ offset: Int) throws(JSONSyntaxError) -> UInt32 {
        guard offset &+ 6 <= end else { throw fail("the JSON ends inside a string") }
        var unit: UInt32 = 0
        for index in 2..<6 {
            guard let digit = ByteClass.hexDigit(pointer[offset &+ index]) else {
                throw fail("an escape \\u without four hexadecimal digits (RFC 8259 §7)")
            }
            unit = unit &<< 4 | UInt32(digit)
        }
        return unit
    }

    /// One character of two to four bytes, by the table of well-formed sequences (Unicode, table 3-7).
    @inline(__always)
    private mutating func multibyte() throws(JSONSyntaxError) {
        let first = pointer[at]
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard first >= 0xC2, first <= 0xF4, at &+ length <= end else { throw fail("a string is not UTF-8") }
        var low: UInt8 = 0x80, high: UInt8 = 0xBF
        switch first {
        case 0xE0: low = 0xA0
        case 0xED: high = 0x9F
        case 0xF0: low = 0x90
        case 0xF4: high = 0x8F
        default: break
        }
        let second = pointer[at &+ 1]
        guard second >= low, second <= high,
            length < 3 || pointer[at &+ 2] & 0xC0 == 0x80, length < 4 || pointer[at &+ 3] & 0xC0 == 0x80
        else { throw fail("a string is not UTF-8") }
        at &+= length
    }

    @inline(__always)
    mutating func literal(_ word: StaticString) throws(JSONSyntaxError) {
        let count = word.utf8CodeUnitCount
        guard at &+ count <= end, memcmp(pointer + at, word.utf8Start, count) == 0 else {
            throw fail("neither true, false nor null")
        }
        at &+= count
    }

    mutating func number() throws(JSONSyntaxError) {
        if pointer[at] == 0x2D { at &+= 1 }
        if at < end, pointer[at] == 0x30 { at &+= 1 } else { try digits() }
        if at < end, pointer[at] == 0x2E {
            at &+= 1
            try digits()
        }
        if at < end, pointer[at] | 0x20 == 0x65 {
            at &+= 1
            if at < end, pointer[at] == 0x2B || pointer[at] == 0x2D { at &+= 1 }
            try digits()
        }
    }

    @inline(__always)
    private mutating func digits() throws(JSONSyntaxError) {
        let start = at
        while at < end, ByteClass.isDigit(pointer[at]) { at &+= 1 }
        guard at > start else { throw fail("a number without digits (RFC 8259 §6)") }
    }

    /// Whether the bytes in a range are this word.
    @inline(__always)
    func isWord(_ range: Range<Int>, _ word: StaticString) -> Bool {
        range.count == word.utf8CodeUnitCount && memcmp(pointer + range.lowerBound, word.utf8Start, range.count) == 0
    }

    /// The code unit that a valid escape stands for; steps `at` over it.
    static func escaped(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> UInt32 {
        guard at + 1 < bytes.count else {
            at = bytes.count
            return 0xFFFD
        }
        let letter = bytes[at + 1]
        at += 2
        switch letter {
        case 0x62: return 8
        case 0x66: return 12
        case 0x6E: return 10
        case 0x72: return 13
        case 0x74: return 9
        case 0x75:
            var unit: UInt32 = 0
            for index in at..<min(at + 4, bytes.count) { unit = unit << 4 | UInt32(ByteClass.hexDigit(bytes[index]) ?? 0) }
            at = min(at + 4, bytes.count)
            return unit
        default: return UInt32(letter)
        }
    }
}
