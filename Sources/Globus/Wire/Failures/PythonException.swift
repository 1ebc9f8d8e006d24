/// The exception at the end of a traceback.
struct PythonException {
    /// The exception's name without its module; nil where the text is no exception.
    private(set) var name: String?
    /// What it says, all lines; the whole text where it is no exception.
    private(set) var message: [UInt8]

    private static let heading = Array("Traceback (most recent call last):".utf8)
    /// Tracebacks looked at, from the last one on: a message may hold what looks like one.
    private static let tracebacks = 64
    /// The line that the agent draws under a traceback.
    private static let rule = [UInt8](repeating: UInt8(ascii: "-"), count: 68)

    init(text: [UInt8]) {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let starts = lines.indices.filter {
            lines[$0].hasSuffix(Self.heading) && Self.margin(lines[$0]).count + Self.heading.count == lines[$0].count
        }
        for start in starts.suffix(Self.tracebacks).reversed() {
            if let found = Self.read(lines[start...]) {
                (name, message) = found
                return
            }
        }
        let plain = Self.trimmed(text)
        if let header = Self.header(plain.prefix { $0 != UInt8(ascii: "\n") }) {
            name = header.name
            message = Self.trimmed(header.message + plain.drop { $0 != UInt8(ascii: "\n") })
        } else {
            name = nil
            message = plain
        }
    }

    /// The indentation of a line, and the bars of an exception group.
    private static func margin(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "|") }
    }

    /// Frames are indented; the first line that is not begins the exception, and its message goes on to the end of the text or
    /// to the rule under it.
    private static func read(_ lines: ArraySlice<ArraySlice<UInt8>>) -> (String, [UInt8])? {
        guard let first = lines.first else { return nil }
        let margin = margin(first)
        let rest = lines.dropFirst().drop { $0.starts(with: margin) && $0.dropFirst(margin.count).starts(with: "  ".utf8) }
        guard let line = rest.first, line.starts(with: margin), let header = header(line.dropFirst(margin.count)) else {
            return nil
        }
        var message = Array(header.message)
        for line in rest.dropFirst() {
            let text = line.starts(with: margin) ? line.dropFirst(margin.count) : line
            if text.elementsEqual(rule) { break }
            message.append(UInt8(ascii: "\n"))
            message.append(contentsOf: text)
        }
        return (header.name, trimmed(message))
    }

    /// `module.Name: message` or `module.Name`.
    private static func header(_ line: ArraySlice<UInt8>) -> (name: String, message: ArraySlice<UInt8>)? {
        let dotted = line.prefix {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
        let rest = line.dropFirst(dotted.count)
        guard dotted.count <= 256, let name = dotted.split(separator: UInt8(ascii: ".")).last, !name.isEmpty,
            rest.isEmpty || rest.first == UInt8(ascii: ":")
        else { return nil }
        let message = rest.dropFirst()
        return (
            String(decoding: name, as: UTF8.self), message.first == UInt8(ascii: " ") ? message.dropFirst() : message
        )
    }

    private static func trimmed(_ text: some Collection<UInt8>) -> [UInt8] {
        var trimmed = Array(text.drop { WireJSON.isSpace($0) })
        while let last = trimmed.last, WireJSON.isSpace(last) { trimmed.removeLast() }
        return trimmed
    }
}

extension ArraySlice where Element == UInt8 {
    fileprivate func hasSuffix(_ end: [UInt8]) -> Bool { count >= end.count && suffix(end.count).elementsEqual(end) }
}
