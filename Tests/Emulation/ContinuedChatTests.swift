import Testing
import Transport

@testable import Emulation

@Suite("A simulated server that goes on with an answer")
struct ContinuedChatTests {
    private static let question = #"{"role":"user","content":"Tell me."}"#

    private func text(_ harness: Harness, _ messages: String, _ fields: String = "") async throws -> (
        text: String, usage: String
    ) {
        let answer = try await harness.post(
            "/v1/chat/completions", #"{"model":"test/model","messages":[\#(messages)]\#(fields)}"#)
        let body = String(decoding: answer.body, as: UTF8.self)
        #expect(answer.status == 200, "\(body)")
        let text = try #require(
            body.split(separator: #""content":""#).last?.split(separator: "\"", omittingEmptySubsequences: false).first)
        return (String(text), String(try #require(body.split(separator: #""usage":"#).last)))
    }

    private static let goOn = #","continue_final_message":true,"add_generation_prompt":false"#

    @Test("it goes on exactly where the text ends, wherever that is", arguments: [0, 1, 2, 7, 40])
    func prefix(_ length: Int) async throws {
        let harness = try Harness(Harness.settings())
        let whole = try await text(harness, Self.question, #","max_tokens":12"#).text
        let written = String(whole.prefix(length))
        let rest = try await text(
            harness, Self.question + #",{"role":"assistant","content":"\#(written)"}"#, Self.goOn + #","max_tokens":12"#
        ).text
        #expect((written + rest).hasPrefix(whole))
        await harness.stop()
    }

    @Test("usage counts the text as part of the prompt")
    func usage() async throws {
        let harness = try Harness(Harness.settings())
        let whole = try await text(harness, Self.question)
        let words = whole.text.split(separator: " ")
        #expect(words.count == 32)
        let rest = try await text(
            harness, Self.question + #", {"role":"assistant","content":"\#(words[..<5].joined(separator: " "))"}"#, Self.goOn
        )
        #expect(rest.text == " " + words[5...].joined(separator: " "))
        #expect(whole.usage.contains(#""prompt_tokens":9,"total_tokens":41,"completion_tokens":32"#), "\(whole.usage)")
        #expect(rest.usage.contains(#""prompt_tokens":14,"total_tokens":41,"completion_tokens":27"#), "\(rest.usage)")
        let nothing = try await text(
            harness, Self.question + #",{"role":"assistant","content":"\#(whole.text)"}"#, Self.goOn)
        #expect(nothing.text.isEmpty)
        await harness.stop()
    }

    @Test(
        "without the fields an assistant's text is a message like any other, and another's text is gone on with as a prompt")
    func others() async throws {
        let harness = try Harness(Harness.settings())
        let other = #",{"role":"assistant","content":"Certainly not a word of ours"}"#
        let plain = try await text(harness, Self.question + other)
        let continued = try await text(harness, Self.question + other, Self.goOn)
        #expect(continued.text.hasPrefix(" "))
        #expect(plain.text.split(separator: " ")[1] == continued.text.split(separator: " ")[0])
        await harness.stop()
    }

    @Test("both fields at once are refused in vLLM's words")
    func refused() async throws {
        let harness = try Harness(Harness.settings())
        let answer = try await harness.post(
            "/v1/chat/completions",
            #"{"model":"test/model","messages":[\#(Self.question),{"role":"assistant","content":"a"}],"continue_final_message":true}"#
        )
        #expect(answer.status == 400)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("Cannot set both"))
        await harness.stop()
    }
}
