/// Reads a flat JSON object of plain strings, member by member. Names may be followed by other values than strings; those
/// are refused by the member's name.
struct JWSHeaderMembers {
    private let bytes: [UInt8]
    private var position = 0
    private var count = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next member; nil at the end of the object and of the bytes.
    mutating func next() throws(TrustError) -> (name: String, value: String)? {
        if count == 0 { try expect(UInt8(ascii: "{")) }
        if take(UInt8(ascii: "}")) {
            guard position == bytes.count else { throw malformed }
            return nil
        }
        if count > 0 { try expect(UInt8(ascii: ",")) }
        count += 1
        let name = try string()
        try expect(UInt8(ascii: ":"))
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            switch name {
            case "alg", "kid", "typ": throw JWSHeader.refused("\(name) is not a string")
            default: throw JWSHeader.refusedMember(name)
            }
        }
        return (name, try string())
    }

    private mutating func string() throws(TrustError) -> String {
        try expect(UInt8(ascii: "\""))
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            // An escape could spell a name that was seen before in another way.
            guard (0x21...0x7e).contains(bytes[position]), bytes[position] != UInt8(ascii: "\\") else { throw malformed }
            position += 1
        }
        let text = bytes[start..<position]
        try expect(UInt8(ascii: "\""))
        guard text.count <= JWSHeader.maximumValueBytes else {
            throw JWSHeader.refused("a value is longer than \(JWSHeader.maximumValueBytes) bytes")
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(TrustError) {
        guard take(byte) else { throw malformed }
    }

    private var malformed: TrustError {
        JWSHeader.refused("it is not a JSON object of plain strings (byte \(position))")
    }
}
