import Globus
import Testing

@testable import API
@testable import Routing
@testable import Transport

/// What compute nodes may send to the API port as our function's answer, and what comes of it.
@Suite struct FunctionAnswerTests {
    private static let start = frame(.started, "{}") + frame(.head, #"{"status":200,"contentType":"text/event-stream"}"#)

    static func frame(_ kind: AnswerFrames.Kind, _ payload: String) -> [UInt8] {
        let count = payload.utf8.count
        return [kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - $0 * 8)) } + Array(payload.utf8)
    }

    private static func path(_ name: String) -> String { GlobusBackend.answerPath + name }
    private static func token(_ callback: Callback) -> [(StaticString, String)] {
        [("Authorization", "Bearer \(callback.secret)")]
    }

    @Test func anAnswerGoesThroughAndStartsTheTask() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        let chunks = [
            Self.start, Self.frame(.data, "data: a\n\n"), Self.frame(.data, "data: b\n\n"),
            Self.frame(.end, #"{"bytes":18}"#),
        ]
        async let answer = node.answer(callback)
        let told = await node.post(Self.path(callback.name), fields: Self.token(callback), chunks: chunks)
        #expect(told == #"200 {"status":"ok"}"#)
        #expect(await answer == "200 data: a\n\ndata: b\n\n")
        #expect(callback.hasStarted)
    }

    @Test func strangersAreTurnedAway() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        let body = [Self.start]
        let unknown = await node.post(
            Self.path("00000000-0000-4000-8000-000000000000"), fields: Self.token(callback), chunks: body)
        #expect(unknown.hasPrefix("404 "))
        #expect(unknown.contains("unknown_task"))
        let short = String(callback.secret.dropLast())
        for wrong in [
            "Bearer \(short)", "Bearer \(callback.secret)x", "Bearer ", "Basic \(callback.secret)", callback.secret,
        ] {
            let told = await node.post(Self.path(callback.name), fields: [("Authorization", wrong)], chunks: body)
            #expect(told.hasPrefix("401 "), "\(wrong.prefix(8))")
        }
        #expect(await node.post(Self.path(callback.name), fields: [], chunks: body).hasPrefix("401 "))
        #expect(!callback.answer.hasBegun)
    }

    @Test func anAnswerIsBroughtOnce() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        let chunks = [Self.start, Self.frame(.end, #"{"bytes":0}"#)]
        #expect(await node.post(Self.path(callback.name), fields: Self.token(callback), chunks: chunks).hasPrefix("200 "))
        let second = await node.post(Self.path(callback.name), fields: Self.token(callback), chunks: chunks)
        #expect(second.hasPrefix("409 "))
        node.callbacks.close(callback)
        let late = await node.post(Self.path(callback.name), fields: Self.token(callback), chunks: chunks)
        #expect(late.hasPrefix("404 "), "after the task's end nothing is taken")
        #expect(node.callbacks.count == 0)
    }

    static let bad: [(String, [[UInt8]], String)] = [
        ("ten megabytes in one frame", [start, [0x44, 0, 0xa0, 0, 0]], "a frame of 10485760 bytes"),
        ("an unknown kind", [start, [0x40, 0, 0, 0, 0]], "unknown kind"),
        ("data before the head", [frame(.data, "x")], "before the head"),
        ("a head without a status", [frame(.head, "{}")], "no status"),
        ("a status that is none", [frame(.head, #"{"status":99}"#)], "no status"),
        ("a note that is no JSON", [frame(.head, "{")], "no JSON"),
        ("bytes missing", [start, frame(.data, "abc"), frame(.end, #"{"bytes":9}"#)], "missing"),
        ("no last frame", [start, frame(.data, "abc")], "without its last frame"),
    ]

    @Test(arguments: bad)
    func whatIsNoAnswerEndsIt(_ name: String, _ chunks: [[UInt8]], _ reason: String) async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        async let answer = node.answer(callback)
        let told = await node.post(Self.path(callback.name), fields: Self.token(callback), chunks: chunks)
        #expect(told.hasPrefix("400 "), "\(name): \(told)")
        #expect(told.contains(reason), "\(name): \(told)")
        #expect(await answer.hasSuffix("<protocolViolation>"), "\(name)")
    }

    @Test func aFunctionThatGoesAwayBreaksTheAnswer() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        async let answer = node.answer(callback)
        let chunks = [Self.start, Self.frame(.data, "abc")]
        #expect(
            await node.post(Self.path(callback.name), fields: Self.token(callback), chunks: chunks, isEnded: false) == "left"
        )
        #expect(await answer == "200 abc<protocolViolation>")
    }

    @Test func anErrorBeforeTheHeadIsAnAnswerOfItsOwn() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        async let answer = node.answer(callback)
        let frames = [
            Self.frame(.started, "{}"), Self.frame(.error, #"{"code":"upstream_timeout","message":"it took too long"}"#),
        ]
        #expect(await node.post(Self.path(callback.name), fields: Self.token(callback), chunks: frames).hasPrefix("200 "))
        let text = await answer
        #expect(text.hasPrefix("504 "))
        #expect(text.contains("it took too long"))
    }

    /// The client has gone: the function is told at once, whatever it is doing.
    @Test func whenNobodyListensTheFunctionIsToldToStop() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        callback.answer.abandon()
        let told = await node.post(
            Self.path(callback.name), fields: Self.token(callback), chunks: [Self.start, Self.frame(.data, "abc")])
        #expect(!told.hasPrefix("200 "))
    }
}
