import Testing
import Transport

@testable import Emulation

@Suite("What a simulated server refuses", .timeLimit(.minutes(1)))
struct RefusalTests {
    @Test(
        "requests are refused in vLLM's words",
        arguments: [
            (#"{"model":"other","prompt":"x"}"#, 404, "NotFoundError", "The model `other` does not exist."),
            (#"{"prompt":"x"}"#, 400, "BadRequestError", "Field required: model"),
            (#"{"model":"test/model"}"#, 400, "BadRequestError", "Field required: prompt"),
            (#"{"model":"test/model","prompt":7}"#, 400, "BadRequestError", "Field required: prompt"),
            (
                #"{"model":"test/model","prompt":"x","max_tokens":0}"#, 400, "BadRequestError", nil
            ),
            (
                #"{"model":"test/model","prompt":"x","n":129}"#, 400, "BadRequestError",
                "n must be between 1 and 128, got 129."
            ),
            ("[]", 400, "BadRequestError", nil),
            ("", 400, "BadRequestError", nil),
            (
                CompletionTests.prompt(bytes: 400, #","max_tokens":60"#), 400, "BadRequestError",
                "This model's maximum context length is 128 tokens. However, you requested 160 tokens (100 in the prompt, 60 in the "
                    + "completion). Please reduce the length of the prompt or completion."
            ),
            (
                CompletionTests.prompt(bytes: 512), 400, "BadRequestError",
                "This model's maximum context length is 128 tokens. However, you requested 128 tokens in the prompt. Please reduce "
                    + "the length of the prompt."
            ),
        ] as [(String, Int, String, String?)])
    func refused(_ body: String, _ status: Int, _ type: String, _ message: String?) async throws {
        let harness = try Harness(Harness.settings { $0.contextTokens = 128 })
        let answer = try await harness.post("/v1/completions", body)
        #expect(answer.status == status)
        let error = try ServerError.read(answer.body)
        #expect(error.type == type)
        #expect(error.code == status)
        if let message { #expect(error.message == message) }
        #expect(try await harness.metric("prompt_tokens_total") == 0)
        await harness.stop()
    }

    @Test("the context may be filled to the last token, not past it", arguments: [(28, 200), (29, 400)])
    func fullContext(_ maxTokens: Int, _ status: Int) async throws {
        let harness = try Harness(Harness.settings { $0.contextTokens = 128 })
        #expect(
            try await harness.post("/v1/completions", CompletionTests.prompt(bytes: 400, #","max_tokens":\#(maxTokens)"#))
                .status == status)
        await harness.stop()
    }

    @Test("one answer has a million tokens at most", arguments: [(1_000_001, 1), (10_000, 101)])
    func tooMany(_ tokens: Int, _ choices: Int) async throws {
        let harness = try Harness(Harness.settings { $0.contextTokens = 1_000_000_000 })
        let body = CompletionTests.prompt(bytes: 4, #","max_tokens":\#(tokens),"n":\#(choices)"#)
        #expect(try await harness.post("/v1/completions", body).status == 400)
        await harness.stop()
    }

    @Test("a body larger than 32 MiB is refused from its head alone")
    func largeBody() async throws {
        let harness = try Harness(Harness.settings())
        let request = try await harness.begin("/v1/completions", "", announcing: 32 << 20 + 1)
        #expect(try await request.status(harness) == 413)
        await harness.stop()
    }

    @Test(
        "unknown paths and wrong methods",
        arguments: [
            ("GET", "/v1/nothing", 404), ("POST", "/", 404), ("GET", "/v1/completions", 405), ("POST", "/v1/models", 405),
            ("DELETE", "/health", 405), ("GET", "/version?x=1", 200), ("GET", "/health", 200), ("GET", "/metrics", 200),
        ] as [(StaticString, String, Int)])
    func routes(_ method: StaticString, _ path: String, _ status: Int) async throws {
        let harness = try Harness(Harness.settings())
        #expect(try await harness.ask(method, path).get().status == status)
        await harness.stop()
    }

    @Test(
        "settings out of range are named",
        arguments: [
            ("address", Harness.settings { $0.address = "localhost" }), ("model", Harness.settings { $0.model = "" }),
            ("timeToFirstTokenSeconds", Harness.settings { $0.timeToFirstTokenSeconds = -1 }),
            ("tokensPerSecond", Harness.settings { $0.tokensPerSecond = 0 }), ("slots", Harness.settings { $0.slots = 0 }),
            ("startupSeconds", Harness.settings { $0.startupSeconds = .nan }),
            ("failureRate", Harness.settings { $0.failureRate = 1.1 }),
            ("contextTokens", Harness.settings { $0.contextTokens = 0 }),
        ])
    func settings(_ name: String, _ settings: SimulatedServerSettings) {
        let error = #expect(throws: TransportError.self) { try SimulatedServer.start(settings) }
        #expect(error?.message.hasPrefix("\(name): ") == true)
    }
}
