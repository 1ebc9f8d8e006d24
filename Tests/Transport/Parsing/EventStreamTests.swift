import Testing
import Transport

@Suite struct EventStreamTests {
    static let streams: [(String, Int)] = [
        ("data: a\n\n", 9), ("data: a\r\n\r\n", 11), ("data: a\r\r", 9), ("data: a\n\ndata: b\n\ndata: c", 18),
        ("data: a\n", 0), ("data: a", 0), ("", 0), (": comment\n\n", 11), ("data: a\n\r\n", 10), ("data: a\r\n\n", 10),
        ("data: a\r\n", 0), ("data: a\r\ndata: b\r\n\r\nx", 20), ("\n", 1), ("data: a\n\r", 9),
        ("data: a\rdata: b\r\rx", 17),
        ("event: x\ndata: long line of more than eight bytes\n\nevent: y\ndata: also a long one\n", 51),
    ]

    @Test(arguments: streams) func boundaries(_ text: String, _ expected: Int) {
        let input = bytes(text)
        var scanner = EventBoundaryScanner()
        let whole = input.withUnsafeBytes { scanner.wholeEvents($0) }
        #expect(whole == expected)

        // Split anywhere, taking whole events off as a relay does: the same bytes go out, and what stays is the same tail.
        for cut in 0...input.count {
            var scanner = EventBoundaryScanner()
            var held: [UInt8] = [], out: [UInt8] = []
            for piece in [input[..<cut], input[cut...]] {
                held += piece
                let count = held.withUnsafeBytes { scanner.wholeEvents($0) }
                out += held[..<count]
                held.removeFirst(count)
                scanner.consumed(count)
            }
            #expect(out == Array(input[..<expected]), "cut at \(cut)")
            // Without taking anything off, too.
            var keeping = EventBoundaryScanner()
            _ = input[..<cut].withUnsafeBytes { keeping.wholeEvents($0) }
            #expect(input.withUnsafeBytes { keeping.wholeEvents($0) } == expected, "cut at \(cut)")
        }
    }

    static let observed: [(String, Int, Bool)] = [
        (#"data: {"choices":[{"delta":{"role":"assistant","content":""}}]}"#, 0, false),
        (#"data: {"choices":[{"delta":{"content":" Paris"},"finish_reason":null}]}"#, 1, false),
        (#"data: {"choices": [{"delta": {"content": "a"}}]}"#, 1, false),
        (#"data: {"choices":[{"text":"a"}]}"#, 1, false),
        (#"data: {"choices":[{"text":"","finish_reason":"stop"}]}"#, 0, false),
        (#"data: {"choices":[{"delta":{"reasoning_content":"a"}}]}"#, 1, false),
        (#"data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"a\":"}}]}}]}"#, 1, false),
        (#"data: {"choices":[{"delta":{"content":"\"text\":\"x"}}]}"#, 1, false),
        (#"data: {"choices":[{"delta":{"role":"\"text\":\"x"}}]}"#, 0, false),
        (#"data: {"choices":[],"usage":{"prompt_tokens":5}}"#, 0, false), ("data: [DONE]", 0, true),
        ("data:[DONE]", 0, true),
        (": data: [DONE]", 0, false), (#"data: "[DONE]""#, 0, false),
        ("event: message_stop\ndata: {\"type\":\"message_stop\"}", 0, true),
        ("event: response.output_text.delta\ndata: {\"delta\":\"a\"}", 1, false),
        ("event: response.output_text.done\ndata: {\"text\":\"all\"}", 0, false),
        ("event: response.completed\ndata: {\"response\":{\"text\":\"all\"}}", 0, true),
    ]

    @Test(arguments: observed) func observer(_ event: String, _ tokens: Int, _ finished: Bool) {
        for (lineEnd, repeats) in [("\n", 1), ("\r\n", 2), ("\r", 3)] {
            let lines = event.split(separator: "\n").joined(separator: lineEnd)
            let stream = bytes(String(repeating: lines + lineEnd + lineEnd, count: repeats))
            var observer = StreamObserver()
            stream.withUnsafeBytes { observer.observe($0) }
            #expect(
                observer.tokens == tokens * repeats && observer.finished == finished, "line end \(lineEnd.debugDescription)")
        }
    }
}
