import Gossip

/// Writes big-endian integers and short texts.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func integer(_ value: UInt64, width: Int) {
        for index in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(index * 8))) }
    }

    mutating func text(_ text: String) {
        precondition(text.utf8.count < 256, "a short text")
        bytes.append(UInt8(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Zeros up to this length.
    mutating func pad(to length: Int) {
        while bytes.count < length { bytes.append(0) }
    }

    /// Writes over eight bytes that were left for it.
    mutating func replace(at offset: Int, with value: UInt64) {
        for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64((7 - index) * 8)) }
    }
}

/// Reads what `ByteWriter` wrote, from anyone.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func integer(width: Int) throws(RecordRefusal) -> UInt64 {
        guard bytes.count - position >= width else { throw .malformed }
        var value: UInt64 = 0
        for byte in bytes[position..<position + width] { value = value << 8 | UInt64(byte) }
        position += width
        return value
    }

    mutating func count() throws(RecordRefusal) -> Int { Int(truncatingIfNeeded: try integer(width: 8)) }

    mutating func text() throws(RecordRefusal) -> String {
        let length = Int(try integer(width: 1))
        guard bytes.count - position >= length,
            let text = String(validating: bytes[position..<position + length], as: UTF8.self)
        else { throw .malformed }
        position += length
        return text
    }
}
