/// What routing must know of an inference request (OpenAI chat, completions, embeddings, responses; Anthropic messages).
/// Found in one pass; ranges are into the body; nothing is decoded.
///
/// What is routed must be what is run. So a field read here may stand only once, and neither in disguise (written with
/// escapes) nor in other letters (`Model`), which some servers' JSON readers take for the same.
public struct InferenceBody: Sendable {
    /// The model, inside the quotes, escapes undecoded (`JSONScanner.text` decodes them).
    public internal(set) var model: Range<Int>?
    /// The whole value of `stream_options`, to splice `include_usage` in; nil where absent or null.
    public internal(set) var streamOptions: Range<Int>?
    public internal(set) var stream = false
    public internal(set) var includeUsage = false
    /// The largest of `max_completion_tokens`, `max_tokens` and `max_output_tokens`.
    public internal(set) var maxTokens: Int?
    /// `n`: how many answers are asked for.
    public internal(set) var choices = 1
    public internal(set) var hasTools = false
    public internal(set) var hasImages = false
    /// `response_format` or `text.format` of a type that begins with `json_`.
    public internal(set) var wantsStructuredOutput = false
    public internal(set) var wantsLogprobs = false
    /// `service_tier` is `flex`: it may wait for others.
    public internal(set) var isFlexible = false
    public internal(set) var user: Range<Int>?
    public internal(set) var promptCacheKey: Range<Int>?
    /// The whole value of `prompt`, `messages` or `input`, of which the last one counts.
    public internal(set) var prompt: Range<Int>?
    /// A quarter of the bytes of `prompt`, `messages` or `input`, at least 1; an embedded file (a `data:` URL, base64
    /// `data`) counts as 1024 whatever its size.
    public internal(set) var estimatedPromptTokens = 1

    /// Bytes after the opening quote of an embedded file are worth this many in the estimate.
    static let embeddedFileBytes = 4_096
    static let largestCount = 1_000_000_000

    init() {}
}
