import Testing
import Transport

@testable import Emulation

@Suite("Text from a simulated server", .timeLimit(.minutes(1)))
struct CompletionTests {
    static let chat = #"{"model":"test/model","messages":[{"role":"user","content":"Hello there"}],"max_tokens":7}"#

    @Test("a whole answer says what it is and counts what it used")
    func whole() async throws {
        let harness = try Harness(Harness.settings())
        let answer = try await harness.post("/v1/chat/completions", Self.chat)
        #expect(answer.status == 200)
        let completion = try Completion.read(answer.body)
        #expect(completion.system_fingerprint == "simulated by meshnode")
        #expect(completion.object == "chat.completion")
        let choice = try #require(completion.choices.first)
        #expect(choice.message?.role == "assistant")
        #expect(choice.message?.content?.split(separator: " ").count == 7)
        #expect(choice.finish_reason == "length")
        let prompt = (#"[{"role":"user","content":"Hello there"}]"#.utf8.count) / 4
        #expect(completion.usage == .init(prompt_tokens: prompt, completion_tokens: 7, total_tokens: prompt + 7))
        await harness.stop()
    }

    @Test("servers agree on the text of a prompt, whatever their seed and speed; other prompts give other text")
    func deterministic() async throws {
        let first = try Harness(Harness.settings { $0.seed = 1 })
        let second = try Harness(
            Harness.settings {
                $0.seed = 2
                $0.slots = 1
                $0.tokensPerSecond = 500
            })
        let one = try Completion.read(try await first.post("/v1/chat/completions", Self.chat).body)
        let other = try Completion.read(try await second.post("/v1/chat/completions", Self.chat).body)
        #expect(one.choices[0].message?.content == other.choices[0].message?.content)
        #expect(one.id != other.id)
        let body = Self.chat.replacing("there", with: "you")
        let different = try Completion.read(try await first.post("/v1/chat/completions", body).body)
        #expect(one.choices[0].message?.content != different.choices[0].message?.content)
        await first.stop()
        await second.stop()
    }

    @Test(
        "a stream has a role, one event a token, a finish and, when asked for, the usage; it adds up to the whole answer",
        arguments: [
            ("/v1/chat/completions", #""messages":[{"role":"user","content":"x"}]"#, 1, false),
            ("/v1/chat/completions", #""messages":[{"role":"user","content":"x"}]"#, 3, true),
            ("/v1/completions", #""prompt":"once upon a time""#, 1, true),
            ("/v1/completions", #""prompt":"once upon a time""#, 2, false),
        ])
    func streamed(_ path: String, _ prompt: String, _ choices: Int, _ usage: Bool) async throws {
        let harness = try Harness(Harness.settings { $0.tokensPerSecond = 2000 })
        let common = #"{"model":"test/model",\#(prompt),"max_tokens":100,"n":\#(choices)"#
        let whole = try Completion.read(try await harness.post(path, common + "}").body)
        let options = usage ? #","stream_options":{"include_usage":true}"# : ""
        let answer = try await harness.post(path, common + #","stream":true\#(options)}"#)
        #expect(answer.status == 200)
        var events = try Completion.events(answer.body)
        #expect(Set(events.map(\.id)).count == 1)
        #expect(events.allSatisfy { $0.system_fingerprint == "simulated by meshnode" })
        if usage {
            let last = events.removeLast()
            #expect(last.choices.isEmpty)
            #expect(last.usage == whole.usage)
        }
        #expect(events.allSatisfy { $0.usage == nil && $0.choices.count == 1 })
        for choice in whole.choices {
            var own = events.flatMap(\.choices).filter { $0.index == choice.index }
            #expect(own.removeLast().finish_reason == "length")
            if path.contains("chat") { #expect(own.removeFirst().delta?.role == "assistant") }
            #expect(own.count == 100)
            #expect(own.allSatisfy { $0.finish_reason == nil })
            #expect(own.map { $0.delta?.content ?? $0.text ?? "" }.joined() == choice.message?.content ?? choice.text)
        }
        await harness.stop()
    }

    @Test("without a limit the text ends by itself, and sooner where the context is nearly full")
    func natural() async throws {
        let harness = try Harness(Harness.settings { $0.contextTokens = 20 })
        let full = try Completion.read(try await harness.post("/v1/completions", Self.prompt(bytes: 40)).body)
        #expect(full.choices[0].finish_reason == "length")
        #expect(full.usage?.completion_tokens == 10)
        await harness.stop()
        let roomy = try Harness(Harness.settings())
        let stopped = try Completion.read(try await roomy.post("/v1/completions", Self.prompt(bytes: 40)).body)
        #expect(stopped.choices[0].finish_reason == "stop")
        #expect(stopped.usage?.completion_tokens == 32)
        await roomy.stop()
    }

    @Test("a model's name may be written with escapes")
    func escapedName() async throws {
        let harness = try Harness(Harness.settings())
        let answer = try await harness.post("/v1/completions", #"{"model":"test\/\u006dodel","prompt":"x"}"#)
        #expect(try Completion.read(answer.body).model == "test/model")
        await harness.stop()
    }

    static func prompt(bytes: Int, _ more: String = "") -> String {
        #"{"model":"test/model","prompt":"\#(String(repeating: "p", count: bytes))"\#(more)}"#
    }
}
