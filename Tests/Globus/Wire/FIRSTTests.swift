import Globus
import Testing

@Suite struct FIRSTTests {
    static let stream = FIRSTPayload.Stream(host: "node.site", port: 443, task: "t-1", token: "secret")

    @Test(arguments: [
        (
            #"{"model": "m", "max_tokens": 5}"#, nil, false,
            #"[{"model_params": {"model": "m", "max_tokens": 5, "stream": false, "openai_endpoint": "chat/completions", "api_port": 8001}}]"#
        ),
        (
            " {\"model\":\"m\",\n\"stream\" : true, \"x\":1.50e0} ", "site/m", false,
            #"[{"model_params": {"model": "site/m", "stream": false, "x": 1.50e0, "openai_endpoint": "chat/completions", "api_port": 8001}}]"#
        ),
        (
            "{}", nil, false,
            #"[{"model_params": {"stream": false, "openai_endpoint": "chat/completions", "api_port": 8001}}]"#
        ),
        (
            #"{"stream": null, "t": "é"}"#, "m", true,
            #"[{"model_params": {"stream": true, "t": "é", "model": "m", "openai_endpoint": "chat/completions", "api_port": 8001, "#
                + #""streaming_server_host": "node.site", "streaming_server_port": 443, "streaming_server_protocol": "https", "#
                + #""stream_task_id": "t-1", "stream_task_token": "secret"}}]"#
        ),
    ])
    func arguments(body: String, model: String?, streams: Bool, expected: String) throws {
        let arguments = try FIRSTPayload.arguments(
            body: Array(body.utf8), endpoint: "chat/completions", port: 8001, model: model,
            stream: streams ? Self.stream : nil)
        #expect(arguments == expected)
        #expect(try WireJSON.parse(arguments).items?.count == 1)
    }

    @Test(arguments: FIRSTPayload.reservedNames.sorted())
    func reservedNames(name: String) throws {
        for body in [
            "{\"model\": \"m\", \"\(name)\": 1}",
            "{\"\\u00\(String(name.utf8.first ?? 0, radix: 16))\(name.dropFirst())\": null}",
        ] {
            let error = #expect(throws: WireError.self) {
                try FIRSTPayload.arguments(body: Array(body.utf8), endpoint: "embeddings", port: 1)
            }
            #expect(error == WireError(.reservedField, "the field `\(name)` is set by the gateway only"))
        }
        // Deeper inside they are the client's own.
        let inside = Array("{\"metadata\": {\"\(name)\": 1}}".utf8)
        #expect(throws: Never.self) { try FIRSTPayload.arguments(body: inside, endpoint: "embeddings", port: 1) }
    }

    @Test(arguments: [
        "", "[]", "{", "{\"a\": NaN}", "{\"a\": 1} {}", "{\"model\": 1, \"model\": 2}", "{\"a\": 1, \"\\u0061\": 2}",
    ])
    func refused(body: String) {
        let error = #expect(throws: WireError.self) {
            try FIRSTPayload.arguments(body: Array(body.utf8), endpoint: "completions", port: 1)
        }
        #expect(error?.code == .malformed)
    }

    @Test func wholeAnswers() throws {
        let text = "{\n    \"id\": \"c1\",\n    \"logprob\": NaN,\n    \"response_time\": 1.0\n}"
        let whole = FIRSTAnswer.whole(#"{"id":"c1","logprob":null,"response_time":1.0}"#)
        #expect(try FIRSTAnswer(.string(text)) == whole)
        #expect(try FIRSTAnswer(WireJSON.parse(text)) == whole)
        for other in [WireValue.null, .string("plain"), .list([]), .string("[]")] {
            #expect(throws: WireError.self) { try FIRSTAnswer(other) }
        }
    }

    @Test(arguments: [
        (#""status": "completed", "total_chunks": 7, "chunks_sent_to_server": 7"#, false, true),
        (#""status": "completed", "total_chunks": 7, "chunks_sent_to_server": 6"#, true, false),
        (#""status": "completed", "total_chunks": 7, "chunks_sent_to_server": 6, "warning": "1 failed""#, true, false),
        (
            #""status": "completed", "total_chunks": 7, "chunks_sent_to_server": 7, "warning": "failed sends: 1""#, true,
            false
        ),
        (#""status": "completed""#, false, true),
        (
            #""status": "completed", "total_chunks": 9223372036854775807, "chunks_sent_to_server": -1"#, false, true
        ),
        (#""status": "error", "error": "E", "total_chunks": 0, "chunks_sent_to_server": 0"#, false, false),
    ])
    func streamReports(members: String, isTruncated: Bool, isWhole: Bool) throws {
        let answer = try FIRSTAnswer(.string("{\"streaming\": true, \"task_id\": \"t\", \(members)}"))
        guard case .streamed(let report) = answer else {
            Issue.record("not read as a report of a stream")
            return
        }
        #expect(report.isTruncated == isTruncated)
        #expect(report.isWhole == isWhole)
        #expect((report.failure != nil) == (report.status == "error"))
    }

    @Test func failedStreamKeepsTheUpstreamError() throws {
        let error =
            #"API request failed with status code: 400\nResponse text: {\"error\": {\"message\": \"too long\"}}\nResponse headers: {}"#
        guard
            case .streamed(let report) = try FIRSTAnswer(
                .string("{\"streaming\": true, \"status\": \"error\", \"error\": \"\(error)\"}"))
        else {
            Issue.record("not read as a report of a stream")
            return
        }
        #expect(report.failure?.upstreamStatus == 400)
        #expect(report.failure?.upstreamBody == #"{"error": {"message": "too long"}}"#)
    }
}
