/// Texts laid one behind the other, each behind its length: `<decimal>\n<text>`. Lengths count Unicode scalars
/// (GLOBUS.md §3.1).
public enum PackedBuffers {
    public static func pack(_ buffers: [String]) -> String {
        buffers.map { "\($0.unicodeScalars.count)\n\($0)" }.joined()
    }

    /// - Throws: `.malformed` for lengths that `pack` would not have written, and for anything missing or left over;
    ///   `.limitExceeded`.
    public static func unpack(_ text: String, limits: WireLimits = .default) throws(WireError) -> [String] {
        try unpack(Array(text.utf8), limits: limits)
    }

    /// `unpack` of text in UTF-8.
    public static func unpack(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> [String] {
        guard bytes.count <= limits.bytes else {
            throw .limit("packed buffers of \(bytes.count) bytes; at most \(limits.bytes) are read")
        }
        var buffers: [String] = []
        var at = 0
        while at < bytes.count {
            guard buffers.count < limits.buffers else { throw .limit("more than \(limits.buffers) packed buffers") }
            var scalars = try length(bytes, &at)
            let start = at
            while scalars > 0 {
                guard at < bytes.count else { throw .malformed("a packed buffer is shorter than its length says") }
                at += 1
                // The bytes of a scalar behind its first.
                while at < bytes.count, bytes[at] & 0xC0 == 0x80 { at += 1 }
                scalars -= 1
            }
            guard let buffer = String(validating: bytes[start..<at], as: UTF8.self) else {
                throw .malformed("a packed buffer is not UTF-8")
            }
            buffers.append(buffer)
        }
        return buffers
    }

    private static func length(_ bytes: [UInt8], _ at: inout Int) throws(WireError) -> Int {
        let start = at
        var length = 0
        while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]), at - start < 9 {
            length = length * 10 + Int(bytes[at] - UInt8(ascii: "0"))
            at += 1
        }
        guard at > start, at < bytes.count, bytes[at] == UInt8(ascii: "\n"),
            at - start == 1 || bytes[start] != UInt8(ascii: "0")
        else { throw .malformed("a packed buffer without its length at byte \(start)") }
        at += 1
        return length
    }
}
