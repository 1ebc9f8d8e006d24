import CLinux
import Globus

/// What must be watched for in the answers of one kind of server, beyond what holds for all.
public struct AnswerRules: Sendable, Equatable {
    /// A chat or completion stream that says `[DONE]` without any `finish_reason` before it was cut short.
    public var needsFinishReason = false
    /// Errors come as events of a stream with status 200: `{"object":"error",…}`.
    public var hasErrorEvents = false

    /// Servers that end their streams themselves.
    public static let openAI = AnswerRules()

    /// A FIRST gateway ends a stream by itself after 5 s without a piece as if it were whole, and tells every error of a stream as
    /// an event of it.
    public static let first: AnswerRules = {
        var rules = AnswerRules()
        rules.needsFinishReason = true
        rules.hasErrorEvents = true
        return rules
    }()
}

/// Why a stream is no good from some event on.
struct StreamFault: Equatable {
    /// For the event that ends the stream.
    var code: String
    var message: String
    /// What a server's error event says; nil: the stream was cut.
    var error: FirstError?
}

/// Looks for the faults that a kind of server's streams may have.
struct StreamWatch {
    private let rules: AnswerRules
    private var sawFinishReason = false
    /// Whether anything came that is part of an answer.
    private(set) var sawData = false
    private(set) var fault: StreamFault?

    /// nil where there is nothing to watch for.
    init?(_ rules: AnswerRules) {
        if rules == .openAI { return nil }
        self.rules = rules
    }

    /// Looks at whole events.
    ///
    /// - Returns: how many of the bytes are good; fewer than all when `fault` says why.
    mutating func look(_ events: UnsafeRawBufferPointer) -> Int {
        var eventStart = 0
        var lineStart = 0
        while lineStart < events.count {
            let end = events[lineStart...].firstIndex(of: UInt8(ascii: "\n")) ?? events.count
            var line = UnsafeRawBufferPointer(rebasing: events[lineStart..<end])
            if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
            lineStart = end + 1
            if line.isEmpty {
                eventStart = lineStart
                continue
            }
            fault = find(line)
            if fault != nil { return eventStart }
        }
        return events.count
    }

    private mutating func find(_ line: UnsafeRawBufferPointer) -> StreamFault? {
        guard line.starts(with: "data:".utf8) else { return nil }
        let data = UnsafeRawBufferPointer(rebasing: line.dropFirst(line.count > 5 && line[5] == 32 ? 6 : 5))
        if data.elementsEqual("[DONE]".utf8) {
            guard rules.needsFinishReason, !sawFinishReason else { return nil }
            return StreamFault(
                code: "upstream_truncated", message: "the server ended the stream before the answer was finished")
        }
        if rules.hasErrorEvents, holds(data, "\"error\""), let error = Self.error(Array(data)) {
            return StreamFault(code: "upstream_error", message: error.message, error: error)
        }
        sawData = true
        if !sawFinishReason { sawFinishReason = hasFinishReason(data) }
        return nil
    }

    /// `{"object":"error","message",…,"code"}`, or an inference server's own `{"error":{…}}`.
    private static func error(_ data: [UInt8]) -> FirstError? {
        guard let root = try? WireJSON.parse(data), root.pairs != nil else { return nil }
        let error: WireValue
        if root["object"]?.text == "error" {
            error = root
        } else if let inner = root["error"], inner.pairs != nil {
            error = inner
        } else {
            return nil
        }
        let code = error["code"]?.told
        let status = error["code"]?.integer ?? error["status"]?.integer ?? 500
        return FirstError(
            status: (400..<600).contains(status) ? status : 500, code: Int(code ?? "") == nil ? code : nil,
            message: error["message"]?.told ?? "the server said that it failed")
    }

    /// Whether some choice has a reason, a string, for having ended. Quotes inside strings are escaped, so this can only be a member.
    private func hasFinishReason(_ data: UnsafeRawBufferPointer) -> Bool {
        var rest = data[...]
        let name: StaticString = "\"finish_reason\":"
        while let found = index(of: name, in: UnsafeRawBufferPointer(rebasing: rest)) {
            rest = rest.dropFirst(found + name.utf8CodeUnitCount)
            let value = rest.drop { $0 == 32 }
            if value.first == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    private func holds(_ data: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        memmem(data.baseAddress, data.count, word.utf8Start, word.utf8CodeUnitCount) != nil
    }

    private func index(of word: StaticString, in data: UnsafeRawBufferPointer) -> Int? {
        guard let base = data.baseAddress,
            let found = memmem(base, data.count, word.utf8Start, word.utf8CodeUnitCount)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
