import Transport

/// What the server needs to know of a request; nothing in it points into the body.
struct InferenceRequest {
    enum Kind { case chat, completion, embedding }

    /// Choices times tokens that one answer may have.
    static let tokensAllowed = 1_000_000
    static let choicesAllowed = 128
    static let inputsAllowed = 2048
    static let defaultTokens = 32

    let kind: Kind
    var model = ""
    var streams = false
    var includesUsage = false
    /// Of the prompt, or of all inputs together: about a quarter of its bytes.
    var promptTokens = 0
    var promptHash: UInt64 = 0
    /// Of each choice.
    var tokens = 0
    var choices = 1
    /// The text ends by itself rather than at the client's limit.
    var stops = false
    /// Of the answer, what was written before.
    var written = MadeUpText.Written()
    var inputHashes: [UInt64] = []
    var dimensions = Embedding.defaultDimensions
    var wantsBase64 = false

    /// - Throws: 400 and 404 in the server's words.
    init(_ kind: Kind, _ body: UnsafeRawBufferPointer, settings: SimulatedServerSettings) throws(Refusal) {
        self.kind = kind
        let scan: InferenceBody
        var fields = PromptFields(body: body, prompt: kind.promptField)
        do throws(JSONSyntaxError) {
            scan = try InferenceBody.scan(body)
            try JSONScanner.object(body, visitor: &fields)
        } catch {
            throw .badRequest("Invalid JSON at byte \(error.offset): \(error.reason)")
        }
        guard let named = scan.model, !named.isEmpty else {
            throw .badRequest("Field required: model", parameter: "model")
        }
        let model = JSONScanner.text(body, in: named)
        guard model == settings.model else { throw .wrongModel(model) }
        guard let prompt = fields.promptRange else {
            throw .badRequest("Field required: \(kind.promptField)", parameter: "\(kind.promptField)")
        }
        self.model = model
        streams = scan.stream && kind != .embedding
        includesUsage = scan.includeUsage
        let bytes = UnsafeRawBufferPointer(rebasing: body[prompt])
        promptTokens = scan.estimatedPromptTokens
        promptHash = Hash.of(bytes)
        if kind == .embedding {
            try readInputs(bytes, isArray: fields.promptIsArray, fields, settings)
        } else {
            guard kind == .completion || fields.promptIsArray else {
                throw .badRequest("messages: a list of messages is required", parameter: "messages")
            }
            try readLengths(scan, settings)
        }
    }

    private mutating func readLengths(_ scan: InferenceBody, _ settings: SimulatedServerSettings) throws(Refusal) {
        choices = scan.choices
        guard (1...Self.choicesAllowed).contains(choices) else {
            throw .badRequest("n must be between 1 and \(Self.choicesAllowed), got \(choices).", parameter: "n")
        }
        if let asked = scan.maxTokens, asked < 1 {
            throw .badRequest("max_tokens must be at least 1, got \(asked).", parameter: "max_tokens")
        }
        let left = settings.contextTokens - promptTokens
        guard left >= scan.maxTokens ?? 1 else {
            throw .tooLong(
                context: settings.contextTokens, prompt: promptTokens, completion: scan.maxTokens,
                field: "\(kind.promptField)")
        }
        tokens = scan.maxTokens ?? min(Self.defaultTokens, left)
        stops = scan.maxTokens == nil && tokens == Self.defaultTokens
        guard tokens <= Self.tokensAllowed / choices else {
            throw .badRequest("This simulated server writes at most \(Self.tokensAllowed) tokens in one answer.")
        }
    }

    private mutating func readInputs(
        _ bytes: UnsafeRawBufferPointer, isArray: Bool, _ fields: PromptFields, _ settings: SimulatedServerSettings
    ) throws(Refusal) {
        wantsBase64 = fields.wantsBase64
        dimensions = fields.dimensions ?? Embedding.defaultDimensions
        guard Embedding.dimensionsAllowed.contains(dimensions) else {
            let allowed = Embedding.dimensionsAllowed
            throw .badRequest(
                "dimensions must be between \(allowed.lowerBound) and \(allowed.upperBound), got \(dimensions).",
                parameter: "dimensions")
        }
        let elements = isArray ? JSONText.elements(bytes, limit: Self.inputsAllowed + 1) : [0..<bytes.count]
        guard !elements.isEmpty else { throw .badRequest("input must not be empty", parameter: "input") }
        // A list of numbers is one input that was made into tokens already.
        let isTokens =
            isArray && bytes[elements[0].lowerBound] != UInt8(ascii: "\"")
            && bytes[elements[0].lowerBound] != UInt8(ascii: "[")
        let inputs = isTokens ? [0..<bytes.count] : elements
        guard inputs.count <= Self.inputsAllowed else {
            throw .badRequest("input has more than \(Self.inputsAllowed) elements", parameter: "input")
        }
        promptTokens = 0
        for input in inputs {
            let text = JSONText.withoutQuotes(UnsafeRawBufferPointer(rebasing: bytes[input]))
            let count = max(1, (text.count + 3) / 4)
            guard count <= settings.contextTokens else {
                throw .tooLong(context: settings.contextTokens, prompt: count, completion: nil, field: "input")
            }
            promptTokens += count
            inputHashes.append(Hash.of(text))
        }
    }
}

extension InferenceRequest.Kind {
    /// The field that holds the prompt.
    var promptField: StaticString {
        switch self {
        case .chat: "messages"
        case .completion: "prompt"
        case .embedding: "input"
        }
    }
}

/// Finds the fields that the general scan does not tell of.
private struct PromptFields: JSONFieldVisitor {
    let body: UnsafeRawBufferPointer
    let prompt: StaticString
    var promptRange: Range<Int>?
    var promptIsArray = false
    var dimensions: Int?
    var wantsBase64 = false

    init(body: UnsafeRawBufferPointer, prompt: StaticString) {
        self.body = body
        self.prompt = prompt
    }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        let name = JSONText.withoutQuotes(UnsafeRawBufferPointer(rebasing: body[key]))
        let text = JSONText.withoutQuotes(UnsafeRawBufferPointer(rebasing: body[value]))
        if name.elementsEqual(UnsafeRawBufferPointer(start: prompt.utf8Start, count: prompt.utf8CodeUnitCount)) {
            guard kind == .string || kind == .array else { return }
            promptRange = value
            promptIsArray = kind == .array
        } else if name.elementsEqual("dimensions".utf8), kind == .number {
            dimensions = Int(String(decoding: text, as: UTF8.self)) ?? -1
        } else if name.elementsEqual("encoding_format".utf8), kind == .string {
            wantsBase64 = text.elementsEqual("base64".utf8)
        }
    }
}
