/// Questions about single bytes and about eight bytes at once, asked by every parser in this folder.
enum ByteClass {
    private static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// `tchar` of RFC 9110 §5.6.2.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        return ((byte < 64 ? tokenLow : tokenHigh) &>> UInt64(byte & 63)) & 1 != 0
    }

    /// What a field value must not hold: controls other than the tab (RFC 9110 §5.5). Bytes from 0x80 are allowed.
    @inline(__always)
    static func isForbiddenInValue(_ byte: UInt8) -> Bool { byte < 32 && byte != 9 || byte == 127 }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    @inline(__always)
    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte &- 48
        case 97...102: byte &- 87
        case 65...70: byte &- 55
        default: nil
        }
    }
}

/// Eight bytes in one word: the tests that let a loop take eight steps at a time.
enum EightBytes {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highs: UInt64 = 0x8080_8080_8080_8080

    @inline(__always)
    static func load(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
    }

    /// The high bit of each byte equal to `byte`. Bytes above the first one found may be marked wrongly.
    @inline(__always)
    static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (ones &* UInt64(byte))
        return (difference &- ones) & ~difference & highs
    }

    /// The high bit of each byte equal to `byte`, exact in every byte: for searches from the end.
    @inline(__always)
    static func exactlyEqual(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (ones &* UInt64(byte))
        return ~(((difference & ~highs) &+ ~highs) | difference) & highs
    }

    /// The high bit of each byte below 0x20. Bytes above the first one found may be marked wrongly.
    @inline(__always)
    static func controls(_ word: UInt64) -> UInt64 { (word &- (ones &* 0x20)) & ~word & highs }

    /// The high bit of each byte at which a JSON string is no longer plain ASCII: a quote, a backslash, a control, or a
    /// byte from 0x80. Bytes above the first one found may be marked wrongly.
    @inline(__always)
    static func endsPlainText(_ word: UInt64) -> UInt64 {
        let quote = word ^ ones &* 0x22, backslash = word ^ ones &* 0x5C
        // One mask at the end for all four questions.
        return ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word) & highs
    }

    /// The high bit of each byte that is no ASCII letter and no hyphen; exact in every byte.
    @inline(__always)
    static func notLetterOrHyphen(_ word: UInt64) -> UInt64 {
        let lowered = (word | ones &* 0x20) & ~highs
        let letters = (lowered &+ ones &* (0x80 - 0x61)) & ~(lowered &+ ones &* (0x7F - 0x7A))
        let hyphens = ~(((word ^ ones &* 0x2D) & ~highs) &+ ones &* 0x7F)
        return ~(letters | hyphens) & highs | word & highs
    }
}

/// Whether `count` bytes equal a lower-case word, whatever the case of their letters. The bytes must hold no controls
/// (header names and values, checked before): then no byte but the capital can turn into one of the letters, digits,
/// hyphens, colons and slashes that the words are made of when bit 5 is set.
@inline(__always)
func equalsIgnoringCase(_ pointer: UnsafePointer<UInt8>, _ count: Int, _ lowercased: StaticString) -> Bool {
    guard count == lowercased.utf8CodeUnitCount else { return false }
    let expected = lowercased.utf8Start
    if count >= 8 {
        // Whole words, the last of which may overlap the one before it.
        var at = 0
        while true {
            if EightBytes.load(pointer + at) | EightBytes.ones &* 0x20 != EightBytes.load(expected + at) { return false }
            if at == count &- 8 { return true }
            at = min(at &+ 8, count &- 8)
        }
    }
    for at in 0..<count where pointer[at] | 0x20 != expected[at] { return false }
    return true
}
