/// Collects an answer within its limits.
struct WebAnswerReader {
    enum Refusal { case tooLarge, headTooLarge }

    /// Bytes of the longest body.
    var limit = 0
    private(set) var fields: [(name: String, value: String)] = []
    private(set) var bytes: [UInt8] = []
    /// Why reading was ended.
    private(set) var refusal: Refusal?
    private var headBytes = 0
    private var hasBody = false

    /// One line of the head with its end. False ends the call.
    mutating func line(_ line: UnsafeRawBufferPointer) -> Bool {
        // After the body come trailers, which nobody here needs.
        guard !hasBody else { return true }
        headBytes += line.count
        guard headBytes <= WebLimits.answerHeadBytes, fields.count < WebLimits.answerFields else {
            refusal = .headTooLarge
            return false
        }
        // A new head: those before were informational (100, 103).
        if line.starts(with: "HTTP/".utf8) { fields.removeAll(keepingCapacity: true) }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return true }
        let name = String(decoding: UnsafeRawBufferPointer(rebasing: line[..<colon]), as: UTF8.self).lowercased()
        var value = line[(colon + 1)...]
        while let first = value.first, Self.isSpace(first) { value.removeFirst() }
        while let last = value.last, Self.isSpace(last) { value.removeLast() }
        fields.append((name, String(decoding: UnsafeRawBufferPointer(rebasing: value), as: UTF8.self)))
        return true
    }

    /// A piece of the body. False ends the call.
    mutating func body(_ piece: UnsafeRawBufferPointer) -> Bool {
        hasBody = true
        guard piece.count <= limit - bytes.count else {
            refusal = .tooLarge
            return false
        }
        bytes.append(contentsOf: piece)
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
