import Testing
import Transport

@testable import Routing

/// What a function may make of the head that a client gets.
@Suite struct AnswerFieldsTests {
    @Test(arguments: [nil, -5, 0, 99, 100, 101, 199, 600, 99_999, Int.max] as [Int?])
    func whatIsNoFinalStatusIsNoHead(_ status: Int?) {
        #expect(AnswerFields.head(status: status, contentType: "text/plain", retryAfter: nil) == nil)
    }

    @Test(arguments: [
        ("text/event-stream", "text/event-stream"), ("application/json; charset=utf-8", "application/json; charset=utf-8"),
        ("", "application/json"), ("text/plain\r\nX-Evil: 1", "application/json"), ("é", "application/json"),
        (String(repeating: "a", count: 257), "application/json"),
    ])
    func aContentTypeIsOneLineOfASCII(_ given: String, _ taken: String) {
        #expect(AnswerFields.head(status: 200, contentType: given, retryAfter: nil)?.contentType == taken)
    }

    @Test(arguments: [(nil, nil), (-1, 0), (30, 30), (1_000_000, 3600)] as [(Int?, Int?)])
    func aWaitIsAnHourAtMost(_ given: Int?, _ taken: Int?) {
        #expect(AnswerFields.head(status: 503, contentType: nil, retryAfter: given)?.retryAfterSeconds == taken)
    }
}
