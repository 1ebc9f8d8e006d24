/// JSON as Python's `json` module reads and writes it.
public enum WireJSON {
    /// How the text is laid out.
    public enum Style: Sendable {
        /// No spaces.
        case compact
        /// The separators of `json.dumps` without arguments: `", "` and `": "`.
        case python
    }

    /// Reads one JSON value (RFC 8259), and what Python writes beyond the standard: `NaN`, `Infinity` and `-Infinity` as null,
    /// lone surrogates as U+FFFD, integers of any size. Of members with the same name the last counts.
    /// - Throws: `.malformed` with the place where it was noticed; `.limitExceeded`.
    public static func parse(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> WireValue {
        guard bytes.count <= limits.bytes else {
            throw .limit("JSON of \(bytes.count) bytes; at most \(limits.bytes) are read")
        }
        var reader = WireJSONReader(bytes, limits: limits)
        return try reader.whole()
    }

    /// `parse` of a text.
    public static func parse(_ text: String, limits: WireLimits = .default) throws(WireError) -> WireValue {
        try parse(Array(text.utf8), limits: limits)
    }

    /// Writes JSON that every reader accepts: a float that is not finite is null, tuples are arrays, bytes are base64 text,
    /// keys are text (of a number or a truth value as Python writes them).
    /// - Parameter ascii: everything else as `\u` escapes, so that bytes, scalars and characters count the same.
    public static func write(_ value: WireValue, style: Style, ascii: Bool = true) -> String {
        var writer = WireJSONWriter(style: style, ascii: ascii)
        writer.value(value)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Where the JSON value ends that begins at `start`; nil if none is there.
    static func end(of bytes: [UInt8], from start: Int, limits: WireLimits) -> Int? {
        var reader = WireJSONReader(bytes, limits: limits)
        reader.at = start
        return (try? reader.value(depth: 1)) == nil ? nil : reader.at
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
