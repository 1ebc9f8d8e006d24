import Trust

/// What a task returned, as the service hands it on.
public enum TaskResult {
    /// Reads a serialized result: JSON (`11`), a pickle of plain data (`00`), or several forms of the same value (`13`), of
    /// which the first that can be read counts.
    /// - Throws: `.malformed`; `.unsupported` for other serializers and for objects; `.limitExceeded`.
    public static func decode(_ serialized: String, limits: WireLimits = .default) throws(WireError) -> WireValue {
        guard serialized.utf8.count <= limits.bytes else {
            throw .limit("a result of \(serialized.utf8.count) bytes; at most \(limits.bytes) are read")
        }
        return try decode(Array(serialized.utf8), limits: limits, packings: 0)
    }

    private static func decode(_ bytes: [UInt8], limits: WireLimits, packings: Int) throws(WireError) -> WireValue {
        let identifier = bytes.prefix(3)
        let body = Array(bytes.dropFirst(3))
        if identifier.elementsEqual(SerializerIdentifier.json.utf8) { return try WireJSON.parse(body, limits: limits) }
        if identifier.elementsEqual(SerializerIdentifier.pickle.utf8) { return try pickle(body, limits) }
        guard identifier.elementsEqual(SerializerIdentifier.all.utf8) else {
            throw .unsupported("a result of the unknown serializer `\(WireText.printable(bytes.prefix(2)))`")
        }
        guard packings < limits.packings else { throw .limit("results packed deeper than \(limits.packings)") }
        var failure = WireError.malformed("a result of several serializers without any")
        for buffer in try PackedBuffers.unpack(body, limits: limits) {
            do throws(WireError) {
                return try decode(Array(buffer.utf8), limits: limits, packings: packings + 1)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Base64 in lines, each with its end (RFC 2045, 76 columns), or in one line.
    private static func pickle(_ body: [UInt8], _ limits: WireLimits) throws(WireError) -> WireValue {
        let text = String(decoding: body.filter { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        guard let bytes = try? Base64.decode(text) else { throw .malformed("a pickled result that is not base64") }
        return try PickleReader.read(bytes, limits: limits)
    }
}
