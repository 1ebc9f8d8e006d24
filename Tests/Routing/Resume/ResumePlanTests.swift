import Testing

@testable import Routing

@Suite("A request whose answer goes on")
struct ResumePlanTests {
    private func made(
        _ body: String, text: String = "So", tokens: Int = 1, style: PrefixStyle = .lastMessage, most: Int? = nil
    ) throws -> String {
        let bytes = Array(body.utf8)
        let plan = try #require(bytes.withUnsafeBytes { ResumePlan($0) })
        let splices = plan.splices(text: Array(text.utf8), tokens: tokens, style: style, mostTokens: most)
        return String(decoding: bytes.withUnsafeBytes { splices.made(in: $0) }, as: UTF8.self)
    }

    @Test("what was delivered becomes a last message; all else stays to the byte")
    func message() throws {
        let body = #" { "model":"m" , "messages" : [ {"role":"user","content":"a]\"b"} ] ,"seed" : 7 }"#
        #expect(
            try made(body)
                == #" { "model":"m" , "messages" : [ {"role":"user","content":"a]\"b"} ,{"role":"assistant","content":"So"}] ,"seed" : 7 }"#
        )
        #expect(
            try made(body, style: .fields)
                == #" {"continue_final_message":true,"add_generation_prompt":false, "model":"m" , "messages" : [ {"role":"user","content":"a]\"b"} ,{"role":"assistant","content":"So"}] ,"seed" : 7 }"#
        )
    }

    @Test("nothing delivered: the request as it was")
    func nothing() throws {
        let body = #"{"model":"m","messages":[{"role":"user","content":"a"}],"max_tokens":9}"#
        #expect(try made(body, text: "", tokens: 0, style: .fields) == body)
    }

    @Test(
        "fewer tokens are asked for, one at least",
        arguments: [
            (#""max_tokens":9"#, 4, nil, #""max_tokens":5"#),
            (#""max_completion_tokens": 9"#, 12, nil, #""max_completion_tokens": 1"#),
            (#""max_tokens":9,"max_completion_tokens":20"#, 8, nil, #""max_tokens":1,"max_completion_tokens":12"#),
            (#""max_tokens":null"#, 4, nil, #""max_tokens":null"#), (#""max_tokens":9"#, 2, 1, #""max_tokens":1"#),
            (#""max_tokens": null"#, 2, 1, #""max_tokens": 1"#),
        ] as [(String, Int, Int?, String)])
    func limits(_ asked: String, _ tokens: Int, _ most: Int?, _ expected: String) throws {
        let body = #"{"messages":[{"role":"user","content":"a"}],\#(asked)}"#
        let made = try made(body, tokens: tokens, most: most)
        #expect(made == #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"So"}],\#(expected)}"#)
    }

    @Test("where the end alone is wanted, one token is asked for")
    func endOnly() throws {
        let made = try made(#"{"messages":[{"role":"user","content":"a"}]}"#, most: 1)
        #expect(made == #"{"max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"So"}]}"#)
    }

    @Test(
        "what cannot go on",
        arguments: [
            #""n":2"#, #""n":1.0"#, #""tools":[{"type":"function"}]"#, #""functions":[{}]"#, #""logprobs":true"#,
            #""top_logprobs":2"#,
            #""response_format":{"type":"json_object"}"#, #""guided_json":{"type":"object"}"#, #""grammar":"root ::= x""#,
            #""continue_final_message":true"#, #""add_generation_prompt":true"#, #""min_tokens":3"#, #""max_tokens":"9""#,
            #""max_tokens":-1"#, #""best_of":2"#, #""continue_final_message":null"#, #""add_generation_prompt":false"#,
            #""\u0074ools":[1]"#, #""messages":[]"#,
            #""\u0063\u006f\u006e\u0074\u0069\u006e\u0075\u0065\u005f\u0066\u0069\u006e\u0061\u006c\u005f\u006d\u0065\u0073\u0073\u0061\u0067\u0065":true"#,
        ])
    func unfit(_ field: String) {
        let body = Array(#"{"messages":[{"role":"user","content":"a"}],\#(field)}"#.utf8)
        #expect(body.withUnsafeBytes { ResumePlan($0) } == nil)
    }

    @Test(
        "what asks for nothing special goes on",
        arguments: [
            #""n":1"#, #""tools":[]"#, #""tools":null"#, #""logprobs":false"#, #""response_format":null"#, #""stop":["x"]"#,
            #""temperature":0.5"#, #""stream_options":{"include_usage":true}"#, #""tool_choice":"none""#,
        ])
    func fit(_ field: String) {
        let body = Array(#"{"messages":[{"role":"user","content":"a"}],\#(field)}"#.utf8)
        #expect(body.withUnsafeBytes { ResumePlan($0) } != nil)
    }

    @Test(
        "messages that an answer cannot be put behind",
        arguments: [
            "[]", #"[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#, "[1]", #""text""#, "{}",
            #"[{"role":"user","content":"a"},{"r\u006fle":"assist\u0061nt","content":"b"}]"#,
        ])
    func messages(_ messages: String) {
        let body = Array(#"{"messages":\#(messages)}"#.utf8)
        #expect(body.withUnsafeBytes { ResumePlan($0) } == nil)
    }
}
