import FoundationEssentials
import Globus
import Testing

@testable import Routing

private func verdict(_ status: Int, _ body: String, retryAfterSeconds: Int? = nil) -> FirstVerdict {
    FirstVerdict(FirstError(status: status, body: Array(body.utf8)), retryAfterSeconds: retryAfterSeconds, site: "s")
}

private func wrapped(_ status: Int, _ text: String) -> String {
    let message =
        "Unexpected error of type Exception: API request failed with status code: \(status)\nResponse text: \(text)\n"
        + "Response headers: {'content-type': 'application/json'}"
    return #"{"error":{"code":"internal_endpoint_error","message":"\#(jsonEscaped(message))","info":{}}}"#
}

/// The status and message of an answer; nil for a failure.
private func answer(_ verdict: FirstVerdict) -> (Int, WireValue)? {
    guard case .answer(let status, let body) = verdict, let error = (try? WireJSON.parse(body))?["error"] else { return nil }
    return (status, error)
}

@Suite struct FirstVerdictTests {
    @Test(
        "an inference server's refusal is its own again, whole",
        arguments: [
            (400, #"{"error":{"message":"too {long} \"x\"","type":"BadRequestError","param":"messages","code":400}}"#),
            (
                404,
                #"{"error":{"message":"no such model","type":"NotFoundError","param":null,"code":404,"more":{"a":[{}]}}}"#
            ),
            (422, #"{"error":{"message":"é\nResponse text: {}","type":"x","param":null,"code":null}}"#),
        ])
    func nested(status: Int, text: String) throws {
        guard case .answer(let found, let body) = verdict(500, wrapped(status, text)) else {
            Issue.record("no answer")
            return
        }
        #expect(found == status && body == text)
    }

    @Test(
        "one that had not OpenAI's shape gets it",
        arguments: [
            (#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#, "too long"),
            (#"{"detail":"Not Found"}"#, "Not Found"), ("plain words", "plain words"), ("[1]", "[1]"), ("", ""),
        ])
    func flat(text: String, message: String) throws {
        let (status, error) = try #require(answer(verdict(500, wrapped(400, text))))
        #expect(status == 400 && error["message"]?.text == message)
        #expect(error["type"]?.text != nil)
    }

    @Test(
        "a server's own failure behind the gateway is a failure, with its words",
        arguments: [(500, 500), (503, 503), (429, 429), (401, 502), (403, 502)])
    func nestedFailures(status: Int, told: Int) {
        guard case .failure(let failure, _) = verdict(500, wrapped(status, #"{"error":{"message":"m"}}"#)) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.status == told)
        #expect((failure.retryAfterSeconds != nil) == (status == 429))
    }

    @Test(
        "texts that only look like it are the gateway's own",
        arguments: [
            "API request failed with status code: 999", "API request failed with status code: x",
            "API request failed with status code: 200\nResponse text: {}", "API request failed",
        ])
    func noNested(text: String) { #expect(UpstreamRefusal(inText: text) == nil) }

    @Test(
        "the request's own faults: status, message, parameter",
        arguments: [
            (
                422, #"{"detail":[{"type":"missing","loc":["body","payload","messages"],"msg":"Field required"}]}"#,
                "messages: Field required", "messages"
            ),
            (
                422,
                #"{"error":{"code":"invalid_request","message":"Bad.","info":{"errors":[{"field":"n","message":"no"}]}}}"#,
                "Bad.: n: no", "n"
            ),
            (400, #"{"error":{"code":"unsupported_endpoint","message":"no embeddings","info":{}}}"#, "no embeddings", nil),
            (400, #"{"detail":"bad session"}"#, "bad session", nil),
            (413, "<html>", "the FIRST gateway answered 413", nil),
        ] as [(Int, String, String, String?)])
    func requestFaults(status: Int, body: String, message: String, parameter: String?) throws {
        let (found, error) = try #require(answer(verdict(status, body)))
        #expect(found == status)
        #expect(error["message"]?.text?.contains(message) == true)
        #expect(error["param"]?.text == parameter)
        #expect(error["type"]?.text == "invalid_request_error")
    }

    @Test(
        "everything else is the site's: status, seconds to wait, whether people must know",
        arguments: [
            (401, #"{"error":{"code":"unauthorized","message":"Permission denied"}}"#, 502, nil, true),
            (401, #"{"detail":"Error: Missing"}"#, 502, nil, true), (403, "{}", 502, nil, true),
            (404, #"{"error":{"code":"cluster_not_found","message":"x"}}"#, 502, nil, true), (404, "<html>", 502, nil, true),
            (400, #"{"error":{"code":"unsupported_framework","message":"x"}}"#, 502, nil, true),
            (408, #"{"error":{"code":"request_timeout","message":"x"}}"#, 504, nil, false),
            (429, #"{"detail":"Too many requests."}"#, 429, 5, false),
            (429, #"{"error":"Rate limit exceeded","message":"x","retry_after":"1 second"}"#, 429, 1, false),
            (503, #"{"error":{"code":"cluster_under_maintenance","message":"x"}}"#, 503, 5, false),
            (500, #"{"error":{"code":"internal_error","message":"x","error_id":"0"}}"#, 500, nil, false),
            (302, "", 502, nil, false),
        ] as [(Int, String, Int, Int?, Bool)])
    func siteFaults(status: Int, body: String, told: Int, seconds: Int?, isForPeople: Bool) {
        guard case .failure(let failure, let operatorMessage) = verdict(status, body) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.status == told && failure.retryAfterSeconds == seconds)
        #expect((operatorMessage != nil) == isForPeople)
    }

    @Test("what the gateway says of waiting holds")
    func retryAfter() {
        guard case .failure(let failure, _) = verdict(429, "{}", retryAfterSeconds: 17) else { return }
        #expect(failure.retryAfterSeconds == 17)
    }
}
