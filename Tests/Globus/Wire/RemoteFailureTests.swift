import Globus
import Testing

@Suite struct RemoteFailureTests {
    static let expected: [String: (kind: RemoteFailure.Kind, summary: String)] = [
        "exception": (.raised, "Exception: API request failed with status code: 404"),
        "too_large": (
            .resultTooLarge, "MaxResultSizeExceeded: the result has 15581488 characters; the site passes on 10485760"
        ),
        "json_cannot": (.serializerRefused, "SerializationError: Serialization failed: All strategies failed."),
        "bad_serializer_path": (.serializerRefused, "SerializationError: Serialization failed: All strategies failed."),
        "wrong_args": (.raised, "TypeError: f() missing 1 required positional argument: 'a'"),
        "deserializer_not_allowed": (
            .serializerRefused,
            "DeserializationError: Deserialization failed: Data serializer JSONData disabled by current configuration."
        ),
        "malformed_args_header": (.serializerRefused, "DeserializationError: Deserialization failed: Invalid header: 77"),
        "syntax_error_in_source": (.raised, "SyntaxError: invalid syntax"), "name_missing": (.raised, "KeyError: 'f'"),
    ]

    @Test(arguments: Golden.failures)
    func golden(vector: Golden.Failure) throws {
        let failure = RemoteFailure(exceptionText: vector.data)
        let expected = try #require(Self.expected[vector.name])
        #expect(failure.kind == expected.kind)
        #expect(failure.summary == expected.summary)
        #expect(failure.upstreamStatus == (vector.name == "exception" ? 404 : nil))
        #expect(failure.upstreamBody == (vector.name == "exception" ? #"{"object":"error"}"# : nil))
        if vector.name == "too_large" { #expect(failure.limitCharacters == 10_485_760) }
    }

    static let traceback = "Traceback (most recent call last):\n  File \"/eagle/x/y.py\", line 2, in f\n    raise e\n"
    static let wide = String(repeating: "+", count: 68) + "\n"
    static let rule = "\n" + String(repeating: "-", count: 68) + "\n"

    @Test(arguments: [
        (
            wide + traceback
                + "parsl.executors.high_throughput.errors.WorkerLost: Task failure due to loss of worker 0 on host x3004c0s13"
                + rule,
            RemoteFailure.Kind.workerLost, "WorkerLost: the site lost the worker that ran the task"
        ),
        (
            wide + "Traceback from attempt: 0\n" + traceback + "a.WorkerLost: one" + rule + wide
                + "Traceback from attempt: final\n" + traceback
                + "parsl.executors.high_throughput.interchange.ManagerLost: Task failure due to loss of manager b'1' on host x"
                + rule,
            .managerLost, "ManagerLost: the site lost the node that ran the task"
        ),
        (traceback + "ValueError" + rule + "more", .raised, "ValueError"),
        ("Function 12 not permitted on endpoint 34", .notPermitted, "Function 12 not permitted on endpoint 34"),
        ("Failed to start task: no such queue", .startFailed, "Failed to start task: no such queue"),
        ("", .other, "the task failed without a message"), (" \n", .other, "the task failed without a message"),
        ("RuntimeError: no\nyes", .raised, "RuntimeError: no"),
        (traceback + "Exception: said\nTraceback (most recent call last):\nto him", .raised, "Exception: said"),
        // The last of a chain counts.
        (
            traceback + "a.First: 1\n\nDuring handling of the above exception, another exception occurred:\n\n" + traceback
                + "b.Second: 2\n", .raised, "Second: 2"
        ),
        // What a function raises is not taken for what the agent says.
        (traceback + "Exception: WorkerLost: pretended\n", .raised, "Exception: WorkerLost: pretended"),
        (
            traceback
                + "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='127.0.0.1', port=8001): Max retries exceeded with url: /v1/chat/completions "
                + "(Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f11aa22bb33>: Connection refused'))",
            .raised,
            "ConnectionError: HTTPSConnectionPool(host='(host)', port=8001): Max retries exceeded with url: (path) "
                + "(Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at (address)>: Connection refused'))"
        ),
        (
            traceback
                + "OSError: [Errno 2] No such file: '/home/alice/.key', see https://a.b/c on login1.site.gov:22 as alice@site.gov or fe80::1",
            .raised,
            "OSError: [Errno 2] No such file: '(path)', see (address) on (host) as (address) or (host)"
        ),
        (
            traceback + "E: meta-llama/Llama-3.1-8B took 0.25 s on host n7\u{1B}[2J", .raised,
            "E: meta-llama/Llama-3.1-8B took 0.25 s on host (host)?[2J"
        ),
    ])
    func texts(text: String, kind: RemoteFailure.Kind, summary: String) {
        let failure = RemoteFailure(exceptionText: text)
        #expect(failure.kind == kind)
        #expect(failure.summary == summary)
        #expect(failure.isTransient == (kind == .workerLost || kind == .managerLost))
    }

    static let nested =
        #"{"error": {"message": "maximum context length is 8192 tokens } {\"", "type": "BadRequestError", "param": null, "code": 400}}"#

    @Test(arguments: [
        ("API request failed with status code: 400\nResponse text: \(nested)\nResponse headers: {'a': 'b'}", 400, nested),
        (
            "Unexpected error of type Exception: API request failed with status code: 422\nResponse text: \(nested)", 422,
            nested
        ),
        (
            "API request failed with status code: 503\nResponse text: no\nResponse headers: of mine\nbusy\nResponse headers: {}",
            503, "no\nResponse headers: of mine\nbusy"
        ),
        ("API request failed with status code: 500\nResponse text: {\"cut\": \nResponse headers: {}", 500, "{\"cut\":"),
        ("API request failed with status code: 500\nResponse text: [1] and more\nResponse headers: {}", 500, "[1] and more"),
        ("API request failed with status code: 502", 502, nil),
        ("API request failed with status code: 404\nResponse text: \nResponse headers: {}", 404, nil),
        ("API request failed with status code: 4040", nil, nil), ("API request failed with status code: 999", nil, nil),
        ("API request failed with status code: x", nil, nil),
    ])
    func upstream(text: String, status: Int?, body: String?) {
        for text in [text, Self.traceback + "Exception: " + text + "\n"] {
            let failure = RemoteFailure(exceptionText: text)
            #expect(failure.upstreamStatus == status)
            #expect(failure.upstreamBody == body)
        }
    }

    @Test func limits() {
        let long = RemoteFailure(exceptionText: Self.traceback + "Exception: " + String(repeating: "é", count: 1000))
        #expect(long.summary.unicodeScalars.count == 301)
        #expect(long.summary.hasSuffix("…"))
        // Behind the first MiB nothing is read.
        let body = "API request failed with status code: 400\nResponse text: ok"
        let inside = String(repeating: " ", count: RemoteFailure.readBytes - body.utf8.count)
        #expect(RemoteFailure(exceptionText: inside + body).upstreamBody == "ok")
        #expect(RemoteFailure(exceptionText: inside + " " + body).upstreamBody == "o")
    }
}
