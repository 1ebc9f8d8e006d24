import Transport

/// Where a chat completion's body is changed so that another site goes on with its answer; found once, before anything breaks.
struct ResumePlan {
    /// Behind the body's opening brace.
    private let start: Int
    /// Before the closing bracket of `messages`.
    private let messagesEnd: Int
    /// Values of `max_tokens` and `max_completion_tokens`.
    private let limits: [(range: Range<Int>, tokens: Int)]
    /// The value of one of them that is null.
    private let noLimit: Range<Int>?
    /// Tokens that the answer may have; nil: the request does not say.
    let limit: Int?
    /// The answer ends with a count of tokens.
    let wantsUsage: Bool

    /// Fields that ask for what text alone cannot say, or that mean something else for the rest of an answer than for all of it.
    /// Each is allowed as null, false or empty.
    static let unfit: Set<String> = [
        "tools", "functions", "response_format", "logprobs", "top_logprobs", "prompt_logprobs", "guided_json",
        "guided_regex",
        "guided_choice", "guided_grammar", "structured_outputs", "structural_tag", "grammar", "json_schema", "regex", "ebnf",
        "audio", "modalities", "best_of", "use_beam_search", "min_tokens", "n_predict", "echo", "prediction",
    ]
    /// Fields that are put in, and may not stand there in any way.
    static let own: Set<String> = ["continue_final_message", "add_generation_prompt"]

    /// nil where the answer could not go on elsewhere: more than one choice, or a field that is unfit.
    init?(_ body: UnsafeRawBufferPointer) {
        var fields = Fields(bytes: body)
        guard (try? JSONScanner.object(body, visitor: &fields)) != nil, fields.isFit, let messages = fields.messages,
            let brace = body.firstIndex(of: UInt8(ascii: "{"))
        else { return nil }
        start = brace + 1
        messagesEnd = messages.upperBound - 1
        limits = fields.limits
        noLimit = fields.noLimit
        limit = fields.limits.map(\.tokens).max()
        wantsUsage = fields.wantsUsage
    }

    /// - Parameters:
    ///   - text: what was delivered, as it stands in JSON between quotes.
    ///   - tokens: of it.
    ///   - mostTokens: asked for at most, over what the request leaves; nil: no more than that.
    func splices(text: [UInt8], tokens: Int, style: PrefixStyle, mostTokens: Int? = nil) -> [BodySplice] {
        var splices: [BodySplice] = []
        var flags = ""
        if !text.isEmpty {
            if style == .fields { flags += #""continue_final_message":true,"add_generation_prompt":false,"# }
            var message = Array(#",{"role":"assistant","content":""#.utf8)
            message += text
            message += Array(#""}"#.utf8)
            splices.append(BodySplice(messagesEnd..<messagesEnd, message))
        }
        if limits.isEmpty, let mostTokens {
            if let noLimit {
                splices.append(BodySplice(noLimit, Array("\(mostTokens)".utf8)))
            } else {
                flags += "\"max_tokens\":\(mostTokens),"
            }
        }
        if !flags.isEmpty { splices.append(BodySplice(at: start, flags)) }
        for limit in limits {
            let left = min(max(limit.tokens - tokens, 1), mostTokens ?? .max)
            splices.append(BodySplice(limit.range, Array("\(left)".utf8)))
        }
        return splices.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }
}

private struct Fields: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var isFit = true
    var messages: Range<Int>?
    var limits: [(range: Range<Int>, tokens: Int)] = []
    /// Where a limit is null.
    var noLimit: Range<Int>?
    var wantsUsage = false
    /// The longest name has 26 letters, each at most six bytes as an escape.
    static let longestKey = 26 * 6
    static let nothing: Set<String> = ["false", "[]", "{}"]

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        // What is decoded here is short: longer keys are none of ours.
        guard key.count <= Self.longestKey else { return }
        let name = JSONScanner.text(bytes, in: key)
        // The one that is put in would stand beside it.
        if ResumePlan.own.contains(name) { isFit = false }
        if kind == .null {
            if name == "max_tokens" || name == "max_completion_tokens" { noLimit = value }
            return
        }
        switch name {
        case "messages":
            // A second one, or one that an answer cannot be put behind.
            guard messages == nil, kind == .array, try !endsWithAssistant(value) else { return isFit = false }
            messages = value
        case "max_tokens", "max_completion_tokens":
            guard kind == .number, let tokens = Int(text(value)), tokens > 0 else { return isFit = false }
            limits.append((value, tokens))
        case "n": if text(value) != "1" { isFit = false }
        case "stream_options":
            var options = Options(bytes: bytes)
            if kind == .object { try JSONScanner.object(bytes, in: value, visitor: &options) }
            wantsUsage = options.wantsUsage
        default: if ResumePlan.unfit.contains(name), !Self.nothing.contains(text(value)) { isFit = false }
        }
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range].prefix(64), as: UTF8.self) }

    /// An assistant's text that the client itself wants to be gone on with; also true of an empty list.
    private func endsWithAssistant(_ messages: Range<Int>) throws(JSONSyntaxError) -> Bool {
        var last: Range<Int>?
        try JSONScanner.array(bytes, in: messages) { (range, kind) throws(JSONSyntaxError) in
            last = kind == .object ? range : nil
        }
        guard let last else { return true }
        var role = Role(bytes: bytes)
        try JSONScanner.object(bytes, in: last, visitor: &role)
        return role.isAssistant
    }
}

private struct Role: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var isAssistant = false

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        guard kind == .string, key.count <= 32, value.count <= 128, JSONScanner.text(bytes, in: key) == "role" else {
            return
        }
        isAssistant = JSONScanner.text(bytes, in: (value.lowerBound + 1)..<(value.upperBound - 1)) == "assistant"
    }
}

private struct Options: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var wantsUsage = false

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        guard kind == .bool, key.count <= 128, JSONScanner.text(bytes, in: key) == "include_usage" else { return }
        wantsUsage = bytes[value.lowerBound] == UInt8(ascii: "t")
    }
}
