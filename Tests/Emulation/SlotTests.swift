import Testing
import Transport

@testable import Emulation

@Suite("Slots of a simulated server", .timeLimit(.minutes(1)))
struct SlotTests {
    static let endless = CompletionTests.prompt(bytes: 4, #","max_tokens":8000,"stream":true"#)

    @Test("no more run than there are slots, the others wait, and whoever leaves makes room at once")
    func line() async throws {
        let harness = try Harness(
            Harness.settings {
                $0.slots = 2
                $0.timeToFirstTokenSeconds = 3600
            })
        var open: [OpenRequest] = []
        for _ in 0..<5 { open.append(try await harness.begin("/v1/completions", Self.endless)) }
        try await harness.waitUntil(running: 2, waiting: 3)
        // In line.
        await open[3].leave(harness)
        try await harness.waitUntil(running: 2, waiting: 2)
        // Running, before the first token: the next two move up.
        await open[0].leave(harness)
        await open[1].leave(harness)
        try await harness.waitUntil(running: 2, waiting: 0)
        await open[2].leave(harness)
        await open[4].leave(harness)
        try await harness.waitUntil(running: 0, waiting: 0)
        #expect(try await harness.metric("generation_tokens_total") == 0)
        await harness.stop()
    }

    @Test("a client that leaves in the middle of its stream frees the slot and ends the writing")
    func midStream() async throws {
        let harness = try Harness(
            Harness.settings {
                $0.slots = 1
                $0.tokensPerSecond = 1
            })
        let request = try await harness.begin("/v1/completions", Self.endless)
        #expect(try await request.status(harness) == 200)
        #expect(try await harness.metric("num_requests_running") == 1)
        await request.leave(harness)
        try await harness.waitUntil(running: 0, waiting: 0)
        #expect(try await harness.metric("generation_tokens_total") < 8000)
        await harness.stop()
    }

    @Test("a client that takes no data holds up the writing, not the server, and leaving frees the slot")
    func backPressure() async throws {
        let harness = try Harness(Harness.settings { $0.slots = 1 })
        let body = CompletionTests.prompt(bytes: 4, #","max_tokens":8000,"n":100,"stream":true"#)
        let request = try await harness.begin("/v1/completions", body)
        #expect(try await request.status(harness) == 200)
        try await harness.waitUntil(running: 1, waiting: 0)
        await request.leave(harness)
        try await harness.waitUntil(running: 0, waiting: 0)
        #expect(try await harness.metric("generation_tokens_total") < 800_000)
        await harness.stop()
    }

    @Test("a line is served to its end")
    func allServed() async throws {
        let harness = try Harness(
            Harness.settings {
                $0.slots = 2
                $0.tokensPerSecond = 1000
            })
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<12 {
                group.addTask { try await harness.post("/v1/completions", CompletionTests.prompt(bytes: 4)).status }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses == Array(repeating: 200, count: 12))
        #expect(try await harness.metric("generation_tokens_total") == 12 * 32)
        try await harness.waitUntil(running: 0, waiting: 0)
        await harness.stop()
    }

    @Test("a stopped server cuts off what it was doing")
    func stop() async throws {
        let harness = try Harness(Harness.settings { $0.tokensPerSecond = 1 })
        let answer = Task { await harness.ask("POST", "/v1/completions", Self.endless) }
        try await harness.waitUntil(running: 1, waiting: 0)
        await harness.server.stop()
        await #expect(throws: TransportError.self) { try await answer.value.get() }
        harness.client.stop()
    }
}
