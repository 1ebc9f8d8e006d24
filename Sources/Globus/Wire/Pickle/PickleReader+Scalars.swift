extension PickleReader {
    /// Opcodes that push one value without parts. Nil if it is none of them.
    mutating func scalar(_ opcode: UInt8) throws(WireError) -> WireValue? {
        switch opcode {
        case PickleOpcode.none: return .null
        case PickleOpcode.newTrue: return .bool(true)
        case PickleOpcode.newFalse: return .bool(false)
        case PickleOpcode.binInt1: return .integer(Int64(try littleEndian(1)))
        case PickleOpcode.binInt2: return .integer(Int64(try littleEndian(2)))
        case PickleOpcode.binInt: return .integer(Int64(Int32(truncatingIfNeeded: try littleEndian(4))))
        case PickleOpcode.long1: return try integer(try length(byteCount: 1))
        case PickleOpcode.long4: return try integer(try length(byteCount: 4))
        case PickleOpcode.binFloat:
            let value = Double(bitPattern: try take(8).reduce(0) { $0 << 8 | UInt64($1) })
            // As JSON results have it, so that it makes no difference which serializer a site used.
            return value.isFinite ? .double(value) : .null
        case PickleOpcode.shortBinUnicode: return try string(1)
        case PickleOpcode.binUnicode: return try string(4)
        case PickleOpcode.binUnicode8: return try string(8)
        case PickleOpcode.shortBinBytes: return .bytes(Array(try take(try length(byteCount: 1))))
        case PickleOpcode.binBytes: return .bytes(Array(try take(try length(byteCount: 4))))
        case PickleOpcode.binBytes8: return .bytes(Array(try take(try length(byteCount: 8))))
        default: return nil
        }
    }

    private mutating func string(_ lengthBytes: Int) throws(WireError) -> WireValue {
        let count = try length(byteCount: lengthBytes)
        guard let text = WireText.decode(try take(count)) else { throw malformed("a string before it is not UTF-8") }
        return .string(text)
    }

    /// An integer in little-endian two's complement; no bytes at all are 0.
    private mutating func integer(_ byteCount: Int) throws(WireError) -> WireValue {
        // 2.41 decimal digits a byte; the exact count is checked on the text.
        guard byteCount <= limits.digits / 2 else { throw .limit("an integer of more than \(limits.digits) digits") }
        let digits = DecimalText.of(littleEndian: Array(try take(byteCount)))
        guard digits.utf8.count <= limits.digits else { throw .limit("an integer of more than \(limits.digits) digits") }
        return Int64(digits).map { .integer($0) } ?? .largeInteger(digits)
    }
}

/// Integers of any size in decimal.
enum DecimalText {
    private static let chunk: UInt64 = 1_000_000_000

    /// - Parameter littleEndian: two's complement; the work grows with the square of its length.
    static func of(littleEndian bytes: [UInt8]) -> String {
        guard let last = bytes.last else { return "0" }
        let isNegative = last & 0x80 != 0
        var magnitude = bytes
        if isNegative {
            var carry = true
            for index in magnitude.indices {
                let inverted = ~magnitude[index]
                magnitude[index] = carry ? inverted &+ 1 : inverted
                carry = carry && magnitude[index] == 0
            }
        }
        // Limbs of 32 bits, the highest first.
        var limbs: [UInt32] = []
        for start in stride(from: 0, to: magnitude.count, by: 4) {
            let part = magnitude[start..<min(start + 4, magnitude.count)]
            limbs.append(part.reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
        limbs.reverse()
        var chunks: [UInt64] = []
        var highest = 0
        while highest < limbs.count {
            var remainder: UInt64 = 0
            for index in highest..<limbs.count {
                let dividend = remainder << 32 | UInt64(limbs[index])
                limbs[index] = UInt32(truncatingIfNeeded: dividend / chunk)
                remainder = dividend % chunk
            }
            chunks.append(remainder)
            while highest < limbs.count, limbs[highest] == 0 { highest += 1 }
        }
        while chunks.count > 1, chunks.last == 0 { chunks.removeLast() }
        var text = isNegative ? "-" : ""
        for (index, value) in chunks.reversed().enumerated() {
            let digits = String(value)
            text += (index == 0 ? "" : String(repeating: "0", count: 9 - digits.utf8.count)) + digits
        }
        return text
    }
}
