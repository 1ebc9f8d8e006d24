/// What an inference server answered, out of the text in which FIRST's functions report it:
/// `API request failed with status code: N\nResponse text: …\nResponse headers: {…}` (FIRST.md §2.2).
struct UpstreamAnswer {
    var status: Int
    var body: String?

    init?(message: [UInt8]) {
        guard let found = message.firstRange(of: "API request failed with status code: ".utf8) else { return nil }
        let digits = message[found.upperBound...].prefix(4).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits.count == 3, let status = Int(String(decoding: digits, as: UTF8.self)), (100...599).contains(status)
        else {
            return nil
        }
        self.status = status
        guard let label = message.firstRange(of: "Response text:".utf8, from: digits.endIndex) else { return }
        let text = Self.text(message, label.upperBound)
        body = text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    private static let headersLabel = "\nResponse headers:"

    /// The answer that begins at `start`: the JSON value that it is, or else all there is before the headers.
    private static func text(_ message: [UInt8], _ start: Int) -> ArraySlice<UInt8> {
        let first = message[start...].firstIndex { !WireJSON.isSpace($0) } ?? message.count
        if first < message.count, message[first] == UInt8(ascii: "{") || message[first] == UInt8(ascii: "["),
            let end = WireJSON.end(of: message, from: first, limits: .default)
        {
            let rest = message[end...].drop { WireJSON.isSpace($0) }
            if rest.isEmpty || rest.starts(with: headersLabel.utf8.dropFirst()) { return message[first..<end] }
        }
        var end = message.count
        // The last one: the answer itself may hold such a line.
        var from = start
        while let found = message.firstRange(of: headersLabel.utf8, from: from) {
            end = found.lowerBound
            from = found.upperBound
        }
        while end > first, WireJSON.isSpace(message[end - 1]) { end -= 1 }
        return message[min(first, end)..<end]
    }
}
