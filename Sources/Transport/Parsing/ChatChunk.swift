/// One event's data of a streamed chat completion: where its parts stand. Ranges are into the bytes given; nothing is decoded.
public struct ChatChunk: Sendable {
    /// Whole values.
    public fileprivate(set) var id: Range<Int>?
    public fileprivate(set) var created: Range<Int>?
    public fileprivate(set) var model: Range<Int>?
    /// The server, or a node before it, says in this event that it failed.
    public fileprivate(set) var error: Range<Int>?
    public fileprivate(set) var choices = 0
    /// The whole object.
    public fileprivate(set) var delta: Range<Int>?
    public fileprivate(set) var hasRole = false
    /// New text, inside the quotes, escapes undecoded; nil where there is none or an empty one.
    public fileprivate(set) var content: Range<Int>?
    /// A string: why the answer ended.
    public fileprivate(set) var finishReason: Range<Int>?
    public fileprivate(set) var usage = Usage()
    /// Nothing is in it but text of one choice and what frames it: no tool calls, reasoning, log probabilities or the like.
    public fileprivate(set) var isPlain = true

    /// Numbers as they stand there.
    public struct Usage: Sendable {
        public fileprivate(set) var promptTokens: Range<Int>?
        public fileprivate(set) var completionTokens: Range<Int>?
        public fileprivate(set) var totalTokens: Range<Int>?
        public var isThere: Bool { promptTokens != nil || completionTokens != nil || totalTokens != nil }
    }

    fileprivate init() {}

    /// - Throws: it is no JSON object, or a part that is read has the wrong shape.
    public static func scan(_ data: UnsafeRawBufferPointer) throws(JSONSyntaxError) -> ChatChunk {
        var top = Top(bytes: data)
        try JSONScanner.object(data, visitor: &top)
        return top.chunk
    }
}

/// Whether a key or value stands there letter for letter.
private func isText(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
    range.count == text.utf8CodeUnitCount
        && bytes[range].elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}

private struct Top: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var chunk = ChatChunk()

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        if kind == .null { return }
        switch key.count {
        case 2: if isText(bytes, key, "id") { chunk.id = value }
        case 5:
            if isText(bytes, key, "model") { chunk.model = value }
            if isText(bytes, key, "error") { chunk.error = value }
            if isText(bytes, key, "usage"), kind == .object {
                var usage = UsageFields(bytes: bytes)
                try JSONScanner.object(bytes, in: value, visitor: &usage)
                chunk.usage = usage.usage
            }
        case 7:
            if isText(bytes, key, "created") { chunk.created = value }
            if isText(bytes, key, "choices"), kind == .array {
                var choice = Choice(bytes: bytes, chunk: chunk)
                try JSONScanner.array(bytes, in: value) { (range, kind) throws(JSONSyntaxError) in
                    choice.chunk.choices += 1
                    guard kind == .object, choice.chunk.choices == 1 else {
                        choice.chunk.isPlain = false
                        return
                    }
                    try JSONScanner.object(bytes, in: range, visitor: &choice)
                }
                chunk = choice.chunk
            }
        default: break
        }
    }
}

private struct Choice: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var chunk: ChatChunk

    init(bytes: UnsafeRawBufferPointer, chunk: ChatChunk) {
        self.bytes = bytes
        self.chunk = chunk
    }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        if kind == .null { return }
        if isText(bytes, key, "index") {
            if !isText(bytes, value, "0") { chunk.isPlain = false }
        } else if isText(bytes, key, "finish_reason"), kind == .string {
            chunk.finishReason = value
        } else if isText(bytes, key, "delta"), kind == .object {
            chunk.delta = value
            var delta = Delta(bytes: bytes, chunk: chunk)
            try JSONScanner.object(bytes, in: value, visitor: &delta)
            chunk = delta.chunk
        } else if isText(bytes, key, "logprobs") || isText(bytes, key, "text") || isText(bytes, key, "message") {
            chunk.isPlain = false
        }
    }
}

private struct Delta: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var chunk: ChatChunk

    init(bytes: UnsafeRawBufferPointer, chunk: ChatChunk) {
        self.bytes = bytes
        self.chunk = chunk
    }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        if kind == .null { return }
        if isText(bytes, key, "role") {
            chunk.hasRole = true
        } else if isText(bytes, key, "content"), kind == .string {
            chunk.content = value.count > 2 ? (value.lowerBound + 1)..<(value.upperBound - 1) : nil
        } else if !isText(bytes, value, "\"\""), !isText(bytes, value, "[]"), !isText(bytes, value, "{}") {
            chunk.isPlain = false
        }
    }
}

private struct UsageFields: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var usage = ChatChunk.Usage()

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        guard kind == .number else { return }
        if isText(bytes, key, "prompt_tokens") { usage.promptTokens = value }
        if isText(bytes, key, "completion_tokens") { usage.completionTokens = value }
        if isText(bytes, key, "total_tokens") { usage.totalTokens = value }
    }
}
