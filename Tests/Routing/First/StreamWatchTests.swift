import Testing

@testable import Routing

/// What of a text passes, and the fault found.
private func watch(_ text: String, piece: Int = .max) -> (good: String, fault: StreamFault?) {
    guard var watch = StreamWatch(.first) else { return ("", nil) }
    var good = ""
    // Whole events at a time, as the relay gives them.
    var events = text.components(after: "\n\n")
    while !events.isEmpty {
        let now = Array(events.prefix(piece).joined().utf8)
        events.removeFirst(min(piece, events.count))
        let count = now.withUnsafeBytes { watch.look($0) }
        good += String(decoding: now[..<count], as: UTF8.self)
        if watch.fault != nil { break }
    }
    return (good, watch.fault)
}

extension String {
    /// Its parts, each with the mark that ends it.
    fileprivate func components(after mark: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let found = rest.firstRange(of: mark) {
            parts.append(String(rest[..<found.upperBound]))
            rest = rest[found.upperBound...]
        }
        return rest.isEmpty ? parts : parts + [String(rest)]
    }
}

private let word = #"data: {"choices":[{"delta":{"content":"say \"error\" and \"finish_reason\":\"stop\""},"finish_reason":null}]}"#
    + "\n\n"
private let last = #"data: {"choices":[{"delta":{},"finish_reason": "stop"}]}"# + "\n\n"
private let usage = #"data: {"choices":[],"usage":{"total_tokens":3}}"# + "\n\n"
private let done = "data: [DONE]\n\n"

@Suite struct StreamWatchTests {
    @Test("whole streams pass as they are", arguments: [1, 2, Int.max])
    func whole(piece: Int) {
        for text in [word + last + done, word + last + usage + done, ": comment\n\n" + word + last + done, word, last] {
            let (good, fault) = watch(text, piece: piece)
            #expect(good == text && fault == nil)
        }
    }

    @Test("a stream that ends before an answer is finished is cut before its end", arguments: [1, 2, Int.max])
    func truncated(piece: Int) {
        let (good, fault) = watch(word + word + done, piece: piece)
        #expect(good == word + word)
        #expect(fault?.code == "upstream_truncated")
        #expect(fault?.error == nil)
    }

    @Test(
        "an error among the events ends the stream before it",
        arguments: [
            (#"{"object":"error","message":"m","type":"t","param":null,"code":503}"#, 503),
            (#"{"object": "error", "message": "m", "code": "503"}"#, 503), (#"{"object":"error","message":"m","code":null}"#, 500),
            (#"{"object":"error","message":"m","code":"internal_error"}"#, 500),
            (#"{"error":{"message":"m","code":429}}"#, 429), (#"{"object":"error","message":"m","code":7}"#, 500),
        ])
    func errors(text: String, status: Int) {
        for piece in [1, Int.max] {
            let (good, fault) = watch(word + "data: \(text)\n\n" + done, piece: piece)
            #expect(good == word)
            #expect(fault?.code == "upstream_error" && fault?.error?.status == status && fault?.error?.message == "m")
        }
    }

    @Test("servers that end their streams themselves are not watched")
    func openAI() { #expect(StreamWatch(.openAI) == nil) }
}
