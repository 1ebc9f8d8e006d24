import Glibc

/// Counts what passes by in a stream of OpenAI or Anthropic events, without decoding it.
public struct StreamObserver: Sendable {
    /// Events that carried some text to the client: `content`, `text`, reasoning or tool-call arguments, not empty. Near
    /// the number of tokens, as servers send one an event.
    public private(set) var tokens = 0
    /// Whether the stream said that it is over: `data: [DONE]`, or the last event of the responses and messages routes.
    public private(set) var finished = false

    /// Whether the event under way was counted.
    private var counted = false
    /// Whether it is one of the responses route, where only `delta` is new text.
    private var countsDeltasOnly = false

    public init() {}

    /// Looks at whole events, as `EventBoundaryScanner` gives them.
    public mutating func observe(_ wholeEvents: UnsafeRawBufferPointer) {
        guard let pointer = wholeEvents.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var start = 0
        while start < wholeEvents.count {
            let found = memchr(pointer + start, 10, wholeEvents.count &- start)
            let end = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(pointer) } ?? wholeEvents.count
            lines(pointer + start, end &- start)
            start = end &+ 1
        }
    }

    /// One line as LF ends them: mostly one line, but a CR may end lines inside it.
    @inline(__always)
    private mutating func lines(_ pointer: UnsafePointer<UInt8>, _ count: Int) {
        var start = 0
        while start < count, let found = memchr(pointer + start, 13, count &- start) {
            let end = UnsafeRawPointer(found) - UnsafeRawPointer(pointer)
            line(pointer + start, end &- start)
            start = end &+ 1
            if start == count { return }  // the CR of a CRLF
        }
        line(pointer + start, count &- start)
    }

    @inline(__always)
    private mutating func line(_ pointer: UnsafePointer<UInt8>, _ count: Int) {
        if count == 0 {
            counted = false
            countsDeltasOnly = false
        } else if Self.begins(pointer, count, "data:") {
            let skip = count > 5 && pointer[5] == 32 ? 6 : 5
            data(pointer + skip, count &- skip)
        } else if Self.begins(pointer, count, "event:") {
            let skip = count > 6 && pointer[6] == 32 ? 7 : 6
            event(pointer + skip, count &- skip)
        }
    }

    private mutating func event(_ name: UnsafePointer<UInt8>, _ count: Int) {
        if Self.begins(name, count, "response.") { countsDeltasOnly = true }
        if Self.equals(name, count, "message_stop") || Self.equals(name, count, "response.completed")
            || Self.equals(name, count, "response.incomplete") || Self.equals(name, count, "response.failed")
        {
            finished = true
        }
    }

    @inline(__always)
    private mutating func data(_ pointer: UnsafePointer<UInt8>, _ count: Int) {
        if Self.equals(pointer, count, "[DONE]") { finished = true }
        guard !counted, carriesText(pointer, count) else { return }
        counted = true
        tokens &+= 1
    }

    /// Looks at each `"key":"` whose string is not empty. Quotes inside strings are escaped, so this can only be a member.
    @inline(__always)
    private func carriesText(_ pointer: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var at = 0
        while at < count, let found = memchr(pointer + at, 0x3A, count &- at) {
            let colon = UnsafeRawPointer(found) - UnsafeRawPointer(pointer)
            at = colon &+ 1
            guard colon >= 6, pointer[colon &- 1] == 0x22 else { continue }
            if at < count, pointer[at] == 32 { at &+= 1 }
            guard at &+ 1 < count, pointer[at] == 0x22, pointer[at &+ 1] != 0x22 else { continue }
            if isTextKey(pointer, colon &- 1) { return true }
        }
        return false
    }

    /// Whether the key that ends before the quote at `end` is one of those that hold generated text.
    @inline(__always)
    private func isTextKey(_ pointer: UnsafePointer<UInt8>, _ end: Int) -> Bool {
        @inline(__always)
        func ends(_ word: StaticString) -> Bool {
            let count = word.utf8CodeUnitCount
            return end >= count && memcmp(pointer + (end &- count), word.utf8Start, count) == 0
        }
        switch pointer[end &- 1] {
        case 0x61: return ends("\"delta")
        case 0x74:
            if countsDeltasOnly { return false }
            return ends("\"content") || ends("\"text") || ends("\"reasoning_content")
        case 0x67: return !countsDeltasOnly && (ends("\"reasoning") || ends("\"thinking"))
        case 0x73: return !countsDeltasOnly && ends("\"arguments")
        case 0x6C: return !countsDeltasOnly && ends("\"refusal")
        case 0x6E: return !countsDeltasOnly && ends("\"partial_json")
        default: return false
        }
    }

    @inline(__always)
    private static func begins(_ pointer: UnsafePointer<UInt8>, _ count: Int, _ word: StaticString) -> Bool {
        count >= word.utf8CodeUnitCount && memcmp(pointer, word.utf8Start, word.utf8CodeUnitCount) == 0
    }

    @inline(__always)
    private static func equals(_ pointer: UnsafePointer<UInt8>, _ count: Int, _ word: StaticString) -> Bool {
        count == word.utf8CodeUnitCount && begins(pointer, count, word)
    }
}
