import Glibc

extension InferenceBody {
    /// Takes the value of one field read, which is valid JSON and not null.
    mutating func note(
        _ field: Field, _ kind: JSONKind, _ value: Range<Int>, _ walker: JSONWalker, _ bytes: UnsafeRawBufferPointer
    ) throws(JSONSyntaxError) {
        let first = walker.pointer[value.lowerBound]
        let inside = kind == .string ? (value.lowerBound &+ 1)..<(value.upperBound &- 1) : value
        switch field {
        case .model:
            guard kind == .string else { throw wrong(field, value, "a string") }
            model = inside
        case .stream:
            guard kind == .bool else { throw wrong(field, value, "true or false") }
            stream = first == 0x74
        case .streamOptions:
            guard kind == .object else { throw wrong(field, value, "an object") }
            streamOptions = value
            var options = StreamOptions(walker: walker)
            try JSONScanner.object(bytes, in: value, visitor: &options)
            includeUsage = options.includeUsage
        case .maxTokens, .maxCompletionTokens, .maxOutputTokens:
            maxTokens = max(maxTokens ?? 0, try count(field, kind, value, walker))
        case .choices: choices = try count(field, kind, value, walker)
        case .tools, .functions:
            var after = walker
            after.at = value.lowerBound &+ 1
            after.skipSpace()
            if kind == .array, walker.pointer[after.at] != 0x5D { hasTools = true }
        case .responseFormat, .text:
            guard kind == .object else { return }
            var format = Format(walker: walker, bytes: bytes, within: field == .text)
            try JSONScanner.object(bytes, in: value, visitor: &format)
            wantsStructuredOutput = wantsStructuredOutput || format.isStructured
        case .logprobs: wantsLogprobs = kind == .number || first == 0x74
        case .user: if kind == .string { user = inside }
        case .serviceTier: if kind == .string { isFlexible = walker.isWord(inside, "flex") }
        case .promptCacheKey: if kind == .string { promptCacheKey = inside }
        case .prompt, .messages, .input: break
        }
    }

    private func wrong(_ field: Field, _ value: Range<Int>, _ wanted: String) -> JSONSyntaxError {
        JSONSyntaxError(offset: value.lowerBound, reason: "the field `\(field.name)` must be \(wanted)")
    }

    private func count(
        _ field: Field, _ kind: JSONKind, _ value: Range<Int>, _ walker: JSONWalker
    ) throws(JSONSyntaxError) -> Int {
        var number = 0
        if kind == .number, value.count <= 10 {
            for at in value {
                guard ByteClass.isDigit(walker.pointer[at]) else {
                    number = 0
                    break
                }
                number = number &* 10 &+ Int(walker.pointer[at] &- 48)
            }
        }
        guard number >= 1, number <= Self.largestCount else {
            throw wrong(field, value, "a whole number from 1 to 1000000000")
        }
        return number
    }
}

/// Reads `stream_options`.
private struct StreamOptions: JSONFieldVisitor {
    let walker: JSONWalker
    var includeUsage = false
    var seen = false

    init(walker: JSONWalker) { self.walker = walker }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        guard walker.isWord(key, "include_usage") else { return }
        guard !seen else {
            throw JSONSyntaxError(offset: key.lowerBound, reason: "the field `stream_options.include_usage` stands twice")
        }
        seen = true
        guard kind == .bool || kind == .null else {
            throw JSONSyntaxError(
                offset: value.lowerBound, reason: "the field `stream_options.include_usage` must be true or false")
        }
        includeUsage = walker.pointer[value.lowerBound] == 0x74
    }
}

/// Reads `response_format`, or the `format` inside `text`.
private struct Format: JSONFieldVisitor {
    let walker: JSONWalker
    let bytes: UnsafeRawBufferPointer
    /// Whether the format is one object further in.
    let within: Bool
    var isStructured = false

    init(walker: JSONWalker, bytes: UnsafeRawBufferPointer, within: Bool) {
        self.walker = walker
        self.bytes = bytes
        self.within = within
    }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        if within {
            guard kind == .object, walker.isWord(key, "format") else { return }
            var inner = Format(walker: walker, bytes: bytes, within: false)
            try JSONScanner.object(bytes, in: value, visitor: &inner)
            isStructured = isStructured || inner.isStructured
        } else if kind == .string, walker.isWord(key, "type"), value.count > 7 {
            isStructured = isStructured || walker.isWord(value.lowerBound..<(value.lowerBound + 6), "\"json_")
        }
    }
}

extension JSONWalker {
    /// Notes what a string inside `messages` or `input` says of images and embedded files.
    mutating func watch(_ key: Range<Int>, _ value: Range<Int>) {
        if key.count == 4, isWord(key, "type") {
            if isWord(value, "image_url") || isWord(value, "input_image") || isWord(value, "image") { sawImage = true }
        } else if key.count == 9, isWord(key, "image_url") {
            sawImage = true  // servers take it without a type, too
        }
        // A file's base64 is far longer than the tokens it becomes.
        guard value.count > InferenceBody.embeddedFileBytes else { return }
        if isDataURL(value) || isWord(key, "data") || isWord(key, "file_data") {
            embeddedBytes &+= value.count
            embeddedFiles &+= 1
        }
    }

    /// Whether a string is `data:` media type `;base64,` and the file (RFC 2397), rather than a text that begins so.
    private func isDataURL(_ value: Range<Int>) -> Bool {
        let start = value.lowerBound
        guard isWord(start..<(start &+ 5), "data:"), let found = memchr(pointer + start, 0x2C, 128) else { return false }
        let comma = UnsafeRawPointer(found) - UnsafeRawPointer(pointer)
        return comma &- start >= 12 && isWord((comma &- 7)..<comma, ";base64")
    }
}
