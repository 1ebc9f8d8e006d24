import Transport

/// Why a stream is no good from some event on, in its own words.
struct ToldFault: Error, Equatable {
    var code: String
    var message: String

    init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// What an event says that tells of a failure: a node's `mesh_stream_interrupted`, or a server's own error.
    ///
    /// - Parameter error: the value of its `error`.
    init(_ data: UnsafeRawBufferPointer, error: Range<Int>) {
        var fields = ErrorFields(bytes: data)
        // A server may say no more than a word.
        try? JSONScanner.object(data, in: error, visitor: &fields)
        let isOurs = fields.type == "mesh_stream_interrupted"
        code = isOurs ? fields.code ?? "upstream_lost" : "upstream_error"
        message = fields.message ?? "the server said that it failed"
    }
}

private struct ErrorFields: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var message: String?
    var type: String?
    var code: String?

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        guard kind == .string, key.count <= 64 else { return }
        let text = JSONScanner.text(bytes, in: (value.lowerBound + 1)..<(value.upperBound - 1))
        switch JSONScanner.text(bytes, in: key) {
        case "message": message = String(text.prefix(2000))
        case "type": type = text
        case "code": code = String(text.prefix(100))
        default: break
        }
    }
}
