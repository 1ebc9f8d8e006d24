import Testing

@testable import Routing

@Suite("What a client has of a stream")
struct AnswerSoFarTests {
    private func answer(_ fields: String = "") throws -> AnswerSoFar {
        let body = Array(#"{"messages":[{"role":"user","content":"a"}]\#(fields)}"#.utf8)
        return try #require(body.withUnsafeBytes { AnswerSoFar(of: $0) })
    }

    private func chunk(_ delta: String, id: String = "a", finish: String = "null") -> String {
        #"data: {"id":"\#(id)","created":1,"model":"m","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"#
            + "\n\n"
    }

    /// What goes to the client.
    private func take(_ answer: AnswerSoFar, _ events: String) -> (String, ToldFault?) {
        let fault = Array(events.utf8).withUnsafeBytes { answer.take($0) }
        let output = String(decoding: answer.output, as: UTF8.self)
        answer.hasBegun = answer.hasBegun || !output.isEmpty
        answer.sent()
        return (output, fault)
    }

    @Test("the first site's events pass as they are")
    func first() throws {
        let answer = try answer()
        let events =
            chunk(#"{"role":"assistant","content":""}"#) + ": comment\n\n" + chunk(#"{"content":"Hé \"x\""}"#)
            + "event: odd\ndata: {\"x\":1}\r\n\r\n" + chunk("{}", finish: #""stop""#) + "data: [DONE]\n\n"
        let (output, fault) = take(answer, events)
        #expect(output == events)
        #expect(fault == nil)
        #expect(answer.isFinished)
        #expect(answer.tokens == 1)
    }

    @Test("a later site's events become part of the same answer")
    func later() throws {
        let answer = try answer(#","max_tokens":9"#)
        _ = take(answer, chunk(#"{"role":"assistant","content":"One"}"#) + chunk(#"{"content":" two"}"#))
        answer.goesOn(at: "beta")
        #expect(!answer.hasOfThisSite)
        let (output, fault) = take(
            answer,
            ": hello\n\n" + chunk(#"{"role":"assistant","content":null}"#, id: "b")
                + chunk(#"{"content":" three"}"#, id: "b")
                + chunk("{}", id: "b", finish: #""length""#)
                + #"data: {"id":"b","created":9,"model":"other","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}}"#
                + "\n\ndata: [DONE]\n\n")
        #expect(fault == nil)
        #expect(
            output == ": hello\n\n: continued at site beta\n\n" + chunk(#"{"content":" three"}"#)
                + chunk("{}", finish: #""length""#)
                + #"data: {"id":"a","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}}"#
                + "\n\ndata: [DONE]\n\n")
        #expect(answer.tokens == 3)
        #expect(answer.tokensDelivered == 3)
    }

    @Test("a node's word that the stream broke is kept from the client; what came before it is not")
    func told() throws {
        let answer = try answer()
        let (output, fault) = take(
            answer,
            chunk(#"{"content":"One"}"#)
                + #"data: {"error":{"message":"why","type":"mesh_stream_interrupted","param":null,"code":"upstream_stalled","site":"b"}}"#
                + "\n\n" + chunk(#"{"content":"more"}"#))
        #expect(output == chunk(#"{"content":"One"}"#))
        #expect(fault == ToldFault(code: "upstream_stalled", message: "why"))
    }

    @Test(
        "a server's own errors, of whatever shape",
        arguments: [#"{"message":"m"}"#, #""text""#, "{}", #"{"code":7,"type":[]}"#])
    func errors(_ error: String) throws {
        let (output, fault) = take(try answer(), #"data: {"error":\#(error)}"# + "\n\n")
        #expect(output.isEmpty)
        #expect(fault?.code == "upstream_error")
    }

    @Test(
        "what text cannot say ends the hope of going on, and still passes",
        arguments: [
            #"{"reasoning_content":"hm"}"#, #"{"tool_calls":[{"index":0}]}"#, #"{"refusal":"no"}"#,
            #"{"content":[{"type":"text"}]}"#,
        ])
    func unfit(_ delta: String) throws {
        let answer = try answer()
        let (output, fault) = take(answer, chunk(delta))
        #expect(output == chunk(delta))
        #expect(fault == nil)
        #expect(!answer.canGoOn)
    }

    @Test(
        "what is no event of a chat",
        arguments: ["data: nonsense\n\n", "data: {\"a\":1,\ndata: \"b\":2}\n\n", "data: [1]\n\n"])
    func strange(_ event: String) throws {
        let first = try answer()
        #expect(take(first, event).0 == event)
        #expect(!first.canGoOn)
        let later = try answer()
        _ = take(later, chunk(#"{"content":"One"}"#))
        later.goesOn(at: "beta")
        let (output, fault) = take(later, event)
        #expect(output.isEmpty)
        #expect(fault?.code == "continuation_unfit")
    }

    @Test("no more text is kept than its limit; the stream goes on")
    func limit() throws {
        let answer = try answer()
        let piece = String(repeating: "x", count: 1 << 16)
        for _ in 0..<16 { _ = take(answer, chunk(#"{"content":"\#(piece)"}"#)) }
        #expect(answer.canGoOn)
        let last = chunk(#"{"content":"y"}"#)
        #expect(take(answer, last).0 == last)
        #expect(!answer.canGoOn)
        #expect(answer.splices(.lastMessage).isEmpty, "nothing is kept of it")
        #expect(answer.tokensDelivered == 17)
    }

    @Test("it goes on three times at most")
    func times() throws {
        let answer = try answer()
        _ = take(answer, chunk(#"{"content":"a"}"#))
        for _ in 0..<3 {
            #expect(answer.canGoOn)
            answer.goesOn(at: "beta")
            _ = take(answer, chunk(#"{"content":"b"}"#))
        }
        #expect(!answer.canGoOn)
    }

    @Test("a site that sends nothing has not gone on")
    func silent() throws {
        let answer = try answer()
        _ = take(answer, chunk(#"{"content":"a"}"#))
        for _ in 0..<9 { answer.goesOn(at: "beta") }
        #expect(answer.canGoOn)
    }

    @Test("no more tokens than asked for, whatever the site sends")
    func excess() throws {
        let answer = try answer(#","max_tokens":3"#)
        _ = take(answer, chunk(#"{"content":"a"}"#))
        answer.goesOn(at: "beta")
        for text in ["b", "c", "d"] { _ = take(answer, chunk(#"{"content":"\#(text)"}"#)) }
        #expect(answer.tokens == 3)
    }

    @Test("a site's name cannot end its comment")
    func name() throws {
        let answer = try answer()
        _ = take(answer, chunk(#"{"content":"a"}"#))
        answer.goesOn(at: "be\n\ndata: x")
        #expect(take(answer, chunk(#"{"content":"b"}"#)).0.hasPrefix(": continued at site bedata: x\n\ndata: {"))
    }
}
