/// Writes big-endian integers and length-prefixed bytes.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// The low `width` bytes of `value`, which has no others.
    mutating func integer(_ value: UInt64, width: Int) {
        precondition(width == 8 || value >> UInt64(width * 8) == 0, "value wider than its field")
        for index in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(index * 8))) }
    }

    mutating func count(_ value: Int, limit: Int) {
        precondition(value <= limit, "more elements than the wire form allows")
        integer(UInt64(value), width: 2)
    }

    mutating func token(_ token: [UInt8]) {
        precondition(token.count <= WireLimits.tokenBytes, "token larger than the wire form allows")
        integer(UInt64(token.count), width: 4)
        bytes.append(contentsOf: token)
    }

    /// Seven bits a byte, the low ones first; the high bit says that more follow (LEB128).
    mutating func variable(_ value: UInt64) {
        var left = value
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        bytes.append(UInt8(left))
    }

    mutating func raw(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    mutating func label(_ text: String) {
        precondition((1...63).contains(text.utf8.count), "label length")
        integer(UInt64(text.utf8.count), width: 1)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func node(_ id: NodeID) {
        label(id.site)
        label(id.node)
    }
}

/// Reads what `WireWriter` wrote, trusting nothing: each length is checked against what is left before anything is made.
struct WireReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - position }

    mutating func integer(width: Int) throws(CodecError) -> UInt64 {
        guard remaining >= width else { throw .truncated }
        var value: UInt64 = 0
        for _ in 0..<width {
            value = value << 8 | UInt64(bytes[position])
            position += 1
        }
        return value
    }

    /// What `WireWriter.variable` wrote, and nothing longer than it would have written.
    mutating func variable(atMost limit: UInt64) throws(CodecError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 56, by: 7) {
            let byte = try integer(width: 1)
            value |= (byte & 0x7f) << shift
            guard byte & 0x80 == 0 else { continue }
            guard byte != 0 || shift == 0, value <= limit else { throw .badValue }
            return value
        }
        throw .badValue
    }

    /// A count of elements of at least `elementBytes` each, as `variable`.
    mutating func variableCount(limit: Int, elementBytes: Int) throws(CodecError) -> Int {
        let value = Int(try variable(atMost: UInt64(limit)))
        guard value * elementBytes <= remaining else { throw .truncated }
        return value
    }

    mutating func bytes(_ length: Int) throws(CodecError) -> [UInt8] { try take(length) }

    /// A count of elements of at least `elementBytes` each.
    mutating func count(limit: Int, elementBytes: Int) throws(CodecError) -> Int {
        let value = Int(try integer(width: 2))
        guard value <= limit else { throw .badValue }
        guard value * elementBytes <= remaining else { throw .truncated }
        return value
    }

    mutating func flag() throws(CodecError) -> Bool {
        switch try integer(width: 1) {
        case 0: return false
        case 1: return true
        default: throw .badValue
        }
    }

    mutating func token() throws(CodecError) -> [UInt8] {
        let length = Int(try integer(width: 4))
        guard length <= WireLimits.tokenBytes else { throw .badValue }
        return try take(length)
    }

    mutating func node() throws(CodecError) -> NodeID {
        let id = NodeID(site: try label(), node: try label())
        guard id.isValid else { throw .badValue }
        return id
    }

    private mutating func label() throws(CodecError) -> String {
        let length = Int(try integer(width: 1))
        guard let text = String(validating: try take(length), as: UTF8.self) else { throw .badValue }
        return text
    }

    private mutating func take(_ length: Int) throws(CodecError) -> [UInt8] {
        guard length <= remaining else { throw .truncated }
        defer { position += length }
        return Array(bytes[position..<position + length])
    }
}

extension UInt64 {
    /// Bytes of it as `WireWriter.variable` writes it.
    var variableByteCount: Int { self == 0 ? 1 : (bitWidth - leadingZeroBitCount + 6) / 7 }
}
