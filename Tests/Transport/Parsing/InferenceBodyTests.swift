import Testing
import Transport

private func scan(_ text: String) throws(JSONSyntaxError) -> InferenceBody {
    var result = Result<InferenceBody, JSONSyntaxError>.failure(JSONSyntaxError(offset: 0, reason: ""))
    bytes(text).withUnsafeBytes { raw in
        do throws(JSONSyntaxError) { result = .success(try InferenceBody.scan(raw)) } catch { result = .failure(error) }
    }
    return try result.get()
}

@Suite struct InferenceBodyTests {
    @Test func plainChat() throws {
        let text =
            #"{"model":"org\/m","messages":[{"role":"user","content":"Hello, world"}],"stream":true,"#
            + #""stream_options":{"include_usage":true},"#
            + #""max_tokens":10,"max_completion_tokens":20,"n":2,"user":"u","prompt_cache_key":"k","logprobs":true,"#
            + #""tools":[ ],"response_format":{"type":"json_schema","json_schema":{}},"unknown":{"model":1}}"#
        let body = try scan(text)
        func at(_ range: Range<Int>?) -> String? { range.map { String(decoding: bytes(text)[$0], as: UTF8.self) } }
        #expect(at(body.model) == #"org\/m"# && at(body.user) == "u" && at(body.promptCacheKey) == "k")
        #expect(at(body.streamOptions) == #"{"include_usage":true}"#)
        #expect(body.stream && body.includeUsage && body.maxTokens == 20 && body.choices == 2)
        #expect(body.wantsLogprobs && body.wantsStructuredOutput && !body.hasTools && !body.hasImages)
        #expect(body.estimatedPromptTokens == #"[{"role":"user","content":"Hello, world"}]"#.utf8.count / 4)
    }

    @Test(arguments: [
        (#""flex""#, true), (#""priority""#, false), (#""Flex""#, false), (#""default""#, false), ("null", false),
        ("1", false),
        (#"{"flex":1}"#, false), (#""""#, false),
    ])
    func whoMayWaitForOthers(_ tier: String, _ isFlexible: Bool) throws {
        #expect(try scan(#"{"model":"m","service_tier":\#(tier)}"#).isFlexible == isFlexible)
        #expect(throws: JSONSyntaxError.self) { try scan(#"{"service_tier":"auto","service_tier":\#(tier)}"#) }
    }

    @Test func absentAndNull() throws {
        for text in [
            "{}", #"{"model":null,"stream":null,"n":null,"max_tokens":null,"stream_options":null,"user":null,"tools":null}"#,
        ] {
            let body = try scan(text)
            #expect(body.model == nil && !body.stream && body.maxTokens == nil && body.choices == 1 && body.user == nil)
            #expect(body.estimatedPromptTokens == 1 && !body.hasTools)
        }
    }

    static let flags: [(String, String)] = [
        (#"{"tools":[{"type":"function"}]}"#, "tools"), (#"{"functions":[{}]}"#, "tools"),
        (#"{"tools":[{"type":"image_url","image_url":{}}]}"#, "tools"),
        (#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"x"}}]}]}"#, "images"),
        (#"{"messages":[{"content":[{"image_url":{"url":"x"}}]}]}"#, "images"),
        (#"{"messages":[{"content":[{"type":"image","source":{}}]}]}"#, "images"),
        (#"{"input":[{"content":[{"type":"input_image","file_id":"x"}]}]}"#, "images"),
        (#"{"messages":[{"content":"an image_url"}]}"#, ""), (#"{"response_format":{"type":"text"}}"#, ""),
        (#"{"response_format":{"type":"json_object"}}"#, "structured"),
        (#"{"text":{"format":{"type":"json_schema"}}}"#, "structured"), (#"{"text":{"verbosity":"low"}}"#, ""),
        (#"{"logprobs":5}"#, "logprobs"), (#"{"logprobs":false}"#, ""),
    ]
    @Test(arguments: flags) func flag(_ text: String, _ expected: String) throws {
        let body = try scan(text)
        var found: [String] = []
        if body.hasTools { found.append("tools") }
        if body.hasImages { found.append("images") }
        if body.wantsStructuredOutput { found.append("structured") }
        if body.wantsLogprobs { found.append("logprobs") }
        #expect(found.joined(separator: " ") == expected)
    }

    @Test func embeddedFilesAreNotCountedAsText() throws {
        let file = String(repeating: "QUJD", count: 50_000)
        let body = try scan(#"{"messages":[{"content":[{"image_url":{"url":"data:image/png;base64,\#(file)"}}]}]}"#)
        #expect(1_000...1_100 ~= body.estimatedPromptTokens)
        let words = try scan(#"{"messages":[{"content":"data: \#(file)"}]}"#)
        #expect(words.estimatedPromptTokens > 50_000)
    }

    static let refused: [(String, String)] = [
        ("", "empty"), ("[]", "object"), ("{\"model\":\"a\"", "ends"),
        (#"{"model":"a","model":"a"}"#, "`model` stands twice"),
        (#"{"model":null,"model":"a"}"#, "twice"), (#"{"stream":true,"stream":true}"#, "`stream`"),
        (#"{"n":1,"n":1}"#, "`n`"), (#"{"max_tokens":1,"max_tokens":1}"#, "`max_tokens`"),
        (#"{"stream_options":{},"stream_options":{}}"#, "`stream_options`"),
        (#"{"stream_options":{"include_usage":true,"include_usage":false}}"#, "`stream_options.include_usage`"),
        (#"{"stream_options":{"include_usage":1}}"#, "true or false"), (#"{"stream_options":true}"#, "an object"),
        (#"{"messages":[],"messages":[]}"#, "`messages`"), (#"{"model":1}"#, "`model` must be a string"),
        (#"{"stream":"true"}"#, "`stream` must be"), (#"{"stream":1}"#, "`stream`"), (#"{"n":0}"#, "`n` must be"),
        (#"{"n":-1}"#, "`n`"), (#"{"n":1.5}"#, "`n`"), (#"{"n":1e2}"#, "`n`"), (#"{"n":"1"}"#, "`n`"),
        (#"{"n":2000000000}"#, "`n`"),
        (#"{"max_tokens":99999999999999999999999}"#, "`max_tokens`"),
        (#"{"max_completion_tokens":true}"#, "`max_completion_tokens`"),
        (#"{"mod\u0065l":"b"}"#, "could be read as the field `model`"), (#"{"model":"a","\u006dodel":"b"}"#, "`model`"),
        (#"{"Model":"b"}"#, "`model`"), (#"{"STREAM":true}"#, "`stream`"), (#"{"\u004DODEL":"b"}"#, "`model`"),
        ("{\"\u{17f}tream\":true}", "`stream`"), ("{\"max_to\u{212a}ens\":1}", "`max_tokens`"),
    ]
    @Test(arguments: refused) func refusal(_ text: String, _ reason: String) {
        do throws(JSONSyntaxError) {
            _ = try scan(text)
            Issue.record("accepted")
        } catch {
            #expect(error.reason.contains(reason), "\(error.reason)")
        }
    }

    @Test func othersMayBeWrittenAnyway() throws {
        _ = try scan(#"{"X\u0065":1,"Temperature":1,"Temperature":2,"größe":3,"models":1}"#)
    }
}
