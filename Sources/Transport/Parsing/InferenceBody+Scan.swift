extension InferenceBody {
    /// The top-level fields read. Each may stand only once.
    enum Field: UInt8, CaseIterable {
        case model, stream, streamOptions, maxTokens, maxCompletionTokens, maxOutputTokens, choices, tools, functions
        case responseFormat, text, logprobs, user, promptCacheKey, prompt, messages, input, serviceTier

        var name: StaticString {
            switch self {
            case .model: "model"
            case .stream: "stream"
            case .streamOptions: "stream_options"
            case .maxTokens: "max_tokens"
            case .maxCompletionTokens: "max_completion_tokens"
            case .maxOutputTokens: "max_output_tokens"
            case .choices: "n"
            case .tools: "tools"
            case .functions: "functions"
            case .responseFormat: "response_format"
            case .text: "text"
            case .logprobs: "logprobs"
            case .user: "user"
            case .promptCacheKey: "prompt_cache_key"
            case .prompt: "prompt"
            case .messages: "messages"
            case .input: "input"
            case .serviceTier: "service_tier"
            }
        }
    }

    /// Validates a whole body and notes what routing needs.
    /// - Throws: not JSON, not an object, a field read twice, in disguise or of the wrong type. `null` counts as absent.
    public static func scan(_ bytes: UnsafeRawBufferPointer) throws(JSONSyntaxError) -> InferenceBody {
        guard bytes.count > 0, let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            throw JSONSyntaxError(offset: 0, reason: "the body is empty; a JSON object should be there")
        }
        var body = InferenceBody()
        var walker = JSONWalker(pointer: pointer, at: 0, end: bytes.count)
        var seen: UInt32 = 0
        var promptBytes = 0
        var more = try walker.openWholeObject()
        while more {
            let key = try walker.key()
            let start = walker.at
            let kind = walker.kind
            let field = try recognise(walker, key, seen)
            walker.watching = field == .messages || field == .input
            try walker.value(depth: 1)
            walker.watching = false
            if let field {
                seen |= 1 &<< UInt32(field.rawValue)
                let value = start..<walker.at
                switch field {
                case .messages, .input, .prompt:
                    promptBytes &+= value.count
                    body.prompt = value
                default: if kind != .null { try body.note(field, kind, value, walker, bytes) }
                }
            }
            more = try walker.nextMember()
        }
        try walker.finish()
        body.hasImages = walker.sawImage
        promptBytes = promptBytes &- walker.embeddedBytes &+ walker.embeddedFiles &* embeddedFileBytes
        body.estimatedPromptTokens = max(1, promptBytes / 4)
        return body
    }

    @inline(__always)
    private static func recognise(
        _ walker: JSONWalker, _ key: Range<Int>, _ seen: UInt32
    ) throws(JSONSyntaxError) -> Field? {
        guard let field = named(walker, key) else {
            try refuseDisguise(walker, key)
            return nil
        }
        if seen & (1 &<< UInt32(field.rawValue)) != 0 {
            throw JSONSyntaxError(offset: key.lowerBound, reason: "the field `\(field.name)` stands twice")
        }
        return field
    }

    @inline(__always)
    private static func named(_ walker: JSONWalker, _ key: Range<Int>) -> Field? {
        switch key.count {
        case 1: return walker.isWord(key, "n") ? .choices : nil
        case 4: return walker.isWord(key, "user") ? .user : walker.isWord(key, "text") ? .text : nil
        case 5:
            if walker.isWord(key, "model") { return .model }
            return walker.isWord(key, "input") ? .input : walker.isWord(key, "tools") ? .tools : nil
        case 6: return walker.isWord(key, "stream") ? .stream : walker.isWord(key, "prompt") ? .prompt : nil
        case 8: return walker.isWord(key, "messages") ? .messages : walker.isWord(key, "logprobs") ? .logprobs : nil
        case 9: return walker.isWord(key, "functions") ? .functions : nil
        case 10: return walker.isWord(key, "max_tokens") ? .maxTokens : nil
        case 12: return walker.isWord(key, "service_tier") ? .serviceTier : nil
        case 14: return walker.isWord(key, "stream_options") ? .streamOptions : nil
        case 15: return walker.isWord(key, "response_format") ? .responseFormat : nil
        case 16: return walker.isWord(key, "prompt_cache_key") ? .promptCacheKey : nil
        case 17: return walker.isWord(key, "max_output_tokens") ? .maxOutputTokens : nil
        case 21: return walker.isWord(key, "max_completion_tokens") ? .maxCompletionTokens : nil
        default: return nil
        }
    }

    /// A key not read here must not become one when its escapes are decoded or its letters lowered.
    @inline(__always)
    private static func refuseDisguise(_ walker: JSONWalker, _ key: Range<Int>) throws(JSONSyntaxError) {
        var suspicious = false
        for at in key {
            let byte = walker.pointer[at]
            if byte == 0x5C || byte &- 65 < 26 || byte >= 0x80 { suspicious = true; break }
        }
        if suspicious { try refuseDisguiseSlowly(walker, key) }
    }

    private static func refuseDisguiseSlowly(_ walker: JSONWalker, _ key: Range<Int>) throws(JSONSyntaxError) {
        // The longest name has 21 letters, each at most six bytes as an escape.
        guard key.count <= 21 * 6 else { return }
        let raw = UnsafeRawBufferPointer(start: walker.pointer, count: walker.end)
        let text = JSONScanner.text(raw, in: key)
        let folded = String(
            text.unicodeScalars.map { scalar -> Character in
                switch scalar.value {
                case 65...90: Character(Unicode.Scalar(UInt8(scalar.value | 0x20)))
                case 0x17F: "s"  // the long s and the Kelvin sign, which Go's encoding/json folds into these letters
                case 0x212A: "k"
                default: Character(scalar)
                }
            })
        for field in Field.allCases where folded == "\(field.name)" {
            throw JSONSyntaxError(
                offset: key.lowerBound,
                reason: "a key that could be read as the field `\(field.name)` but is not written so")
        }
    }
}
