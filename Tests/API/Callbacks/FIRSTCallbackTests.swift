import Testing

@testable import API
@testable import Routing
@testable import Transport

/// The callbacks of FIRST's functions, as FIRST's own gateway takes them.
@Suite struct FIRSTCallbackTests {
    private static let base = "/resource_server/api/streaming/"

    private static func fields(_ callback: Callback, secret: String? = CallbackNode.secret, token: String? = nil)
        -> [(StaticString, String)]
    {
        var fields: [(StaticString, String)] = [("Content-Type", "application/json")]
        if let secret { fields.append(("X-Internal-Secret", secret)) }
        fields.append(("X-Stream-Task-Token", token ?? callback.secret))
        return fields
    }

    private static func data(_ callback: Callback, _ lines: String) -> [UInt8] {
        Array(#"{"task_id":"\#(callback.name)","data":"\#(jsonEscaped(lines))","type":"data"}"#.utf8)
    }

    @Test func linesBecomeEventsAndTheEndIsHeldBack() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        async let answer = node.answer(callback)
        let first = await node.post(
            Self.base + "data/", fields: Self.fields(callback), body: Self.data(callback, "data: {1}\ndata: {2}"))
        #expect(first == #"200 {"status": "received"}"#)
        let second = await node.post(
            Self.base + "data/", fields: Self.fields(callback),
            body: Self.data(callback, "event: delta\ndata: {3}\n\n: note\ndata: [DONE]"))
        #expect(second == #"200 {"status": "received"}"#)
        let done = await node.post(
            Self.base + "done/", fields: Self.fields(callback),
            body: Array(#"{"task_id":"\#(callback.name)","type":"done"}"#.utf8))
        #expect(done == #"200 {"status": "ok", "task_id": "\#(callback.name)"}"#)
        #expect(String(decoding: callback.takeHeldEnd(), as: UTF8.self) == "data: [DONE]\n\n")
        callback.answer.end()
        #expect(await answer == "200 data: {1}\n\ndata: {2}\n\nevent: delta\ndata: {3}\n\n")
    }

    @Test func theUpstreamsOwnWordsAreRestored() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        async let answer = node.answer(callback)
        let text =
            "API request failed with status code: 400\nResponse text: {\"error\":{\"message\":\"too long\",\"code\":{\"a\":1}}}"
        let told = await node.post(
            Self.base + "error/", fields: Self.fields(callback),
            body: Array(#"{"task_id":"\#(callback.name)","error":"\#(jsonEscaped(text))","type":"error"}"#.utf8))
        #expect(told.hasPrefix("200 "))
        #expect(await answer == #"400 {"error":{"message":"too long","code":{"a":1}}}"#)
    }

    static let refusals: [(String, String, String?, String?, Int)] = [
        ("wrong internal secret", "data/", "another secret", nil, 401),
        ("no internal secret", "data/", nil, nil, 401),
        ("FIRST's public default", "done/", "default-secret-change-me", nil, 401),
        ("wrong task token", "data/", CallbackNode.secret, "None", 403),
        ("unknown route", "other/", CallbackNode.secret, nil, 404),
    ]

    @Test(arguments: refusals)
    func strangersAreTurnedAway(_ name: String, _ kind: String, _ secret: String?, _ token: String?, _ status: Int)
        async throws
    {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        let told = await node.post(
            Self.base + kind, fields: Self.fields(callback, secret: secret, token: token),
            body: Self.data(callback, "data: x"))
        #expect(told.hasPrefix("\(status) "), "\(name): \(told)")
        #expect(!callback.answer.hasBegun)
    }

    @Test func whatIsTooLongOrNotJSONIsRefused() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        let long = await node.post(
            Self.base + "data/", fields: Self.fields(callback),
            body: Self.data(callback, "data: " + String(repeating: "x", count: 150_000)))
        #expect(long.hasPrefix("413 "))
        let note = await node.post(
            Self.base + "done/", fields: Self.fields(callback), body: Array(String(repeating: " ", count: 15_001).utf8))
        #expect(note.hasPrefix("413 "))
        for body in ["", "[", "{}", #"{"task_id":7}"#] {
            let told = await node.post(Self.base + "data/", fields: Self.fields(callback), body: Array(body.utf8))
            #expect(told.hasPrefix("400 "), "\(body): \(told)")
        }
        let unknown = await node.post(
            Self.base + "done/", fields: Self.fields(callback), body: Array(#"{"task_id":"no such"}"#.utf8))
        #expect(unknown.hasPrefix("404 "))
    }

    @Test func afterItsEndNothingIsTaken() async throws {
        let node = try await CallbackNode()
        defer { node.stop() }
        let callback = node.callbacks.make()
        callback.answer.abandon()
        let told = await node.post(Self.base + "data/", fields: Self.fields(callback), body: Self.data(callback, "data: x"))
        #expect(told.hasPrefix("410 "))
    }
}
