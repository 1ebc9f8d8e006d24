import Transport

/// A chat whose last message is an assistant's text that is to be gone on with, as vLLM takes it: `continue_final_message` true and
/// `add_generation_prompt` false.
struct ContinuedChat {
    /// The body as if the message had not been there.
    let body: [UInt8]
    /// What the assistant has written.
    let prefix: String

    /// nil where the request is none.
    ///
    /// - Throws: 400 in the server's words.
    init?(_ bytes: UnsafeRawBufferPointer) throws(Refusal) {
        var fields = Fields(body: bytes)
        // What is no JSON is refused by whoever reads all of it.
        guard (try? JSONScanner.object(bytes, visitor: &fields)) != nil, fields.continues else { return nil }
        guard !fields.addsGenerationPrompt else {
            throw .badRequest("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        }
        guard let messages = fields.messages else { return nil }
        let list = UnsafeRawBufferPointer(rebasing: bytes[messages])
        let elements = JSONText.elements(list, limit: .max)
        guard elements.count > 1, let last = elements.last else { return nil }
        var message = Message(bytes: list)
        guard (try? JSONScanner.object(list, in: last, visitor: &message)) != nil, message.isAssistant,
            let text = message.content
        else { return nil }
        prefix = text
        // From the comma before it: what is left is the list that it was put behind.
        let comma = list[elements[elements.count - 2].upperBound..<last.lowerBound].firstIndex(of: UInt8(ascii: ","))
        guard let comma else { return nil }
        body =
            Array(bytes[..<(messages.lowerBound + comma)]) + Array(bytes[(messages.lowerBound + last.upperBound)...])
    }
}

private struct Fields: JSONFieldVisitor {
    let body: UnsafeRawBufferPointer
    var continues = false
    /// vLLM's default.
    var addsGenerationPrompt = true
    var messages: Range<Int>?

    init(body: UnsafeRawBufferPointer) { self.body = body }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        let name = JSONText.withoutQuotes(UnsafeRawBufferPointer(rebasing: body[key]))
        if name.elementsEqual("continue_final_message".utf8), kind == .bool {
            continues = body[value.lowerBound] == UInt8(ascii: "t")
        } else if name.elementsEqual("add_generation_prompt".utf8), kind == .bool {
            addsGenerationPrompt = body[value.lowerBound] == UInt8(ascii: "t")
        } else if name.elementsEqual("messages".utf8), kind == .array {
            messages = value
        }
    }
}

private struct Message: JSONFieldVisitor {
    let bytes: UnsafeRawBufferPointer
    var isAssistant = false
    var content: String?

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func field(key: Range<Int>, value: Range<Int>, kind: JSONKind) throws(JSONSyntaxError) {
        guard kind == .string else { return }
        let name = bytes[key]
        let text = JSONScanner.text(bytes, in: (value.lowerBound + 1)..<(value.upperBound - 1))
        if name.elementsEqual("role".utf8) { isAssistant = text == "assistant" }
        if name.elementsEqual("content".utf8) { content = text }
    }
}

extension InferenceRequest {
    /// Reads a request, also one that goes on with an answer: its text follows exactly what was written.
    ///
    /// - Throws: 400 and 404 in the server's words.
    static func read(
        _ kind: Kind, _ body: UnsafeRawBufferPointer, settings: SimulatedServerSettings
    ) throws(Refusal) -> InferenceRequest {
        guard kind == .chat, let continued = try ContinuedChat(body) else {
            return try InferenceRequest(kind, body, settings: settings)
        }
        let result: Result<InferenceRequest, Refusal> = continued.body.withUnsafeBytes { bytes in
            do throws(Refusal) {
                return .success(try InferenceRequest(kind, bytes, settings: settings))
            } catch { return .failure(error) }
        }
        var request = try result.get()
        guard let written = MadeUpText(promptHash: request.promptHash).written(continued.prefix) else {
            // Somebody else's text: a prompt like any other, with a space before the next word.
            request = try InferenceRequest(kind, body, settings: settings)
            request.written = MadeUpText.Written(tokens: 1)
            return request
        }
        request.written = written
        request.promptTokens += written.tokens
        if request.stops { request.tokens = max(0, request.tokens - written.tokens) }
        return request
    }
}
