extension PickleReader {
    private var truncated: WireError { malformed("it ends too early") }

    mutating func byte() throws(WireError) -> UInt8 {
        guard at < bytes.count else { throw truncated }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - at else { throw truncated }
        defer { at += count }
        return bytes[at..<at + count]
    }

    /// - Parameter byteCount: at most 8.
    mutating func littleEndian(_ byteCount: Int) throws(WireError) -> UInt64 {
        try take(byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A length, which can be no more than what is there: also one of 8 bytes that no `Int` holds.
    mutating func length(byteCount: Int) throws(WireError) -> Int {
        let length = try littleEndian(byteCount)
        guard length <= UInt64(bytes.count) else { throw truncated }
        return Int(length)
    }
}
