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
