/// Why a text is no JSON, or not the JSON that was expected.
struct JSONError: Error, Sendable, Equatable {
    /// From 1.
    var line: Int
    var reason: String
}

/// Reads JSON (RFC 8259) into values.
struct JSONReader {
    /// Containers inside one another.
    static let depthLimit = 64

    private let bytes: [UInt8]
    private var at = 0
    /// A line feed can stand between values only.
    private var line = 1

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func read(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.at == bytes.count else { throw reader.failure("more text after the end of the JSON") }
        return value
    }

    private func failure(_ reason: String) -> JSONError { JSONError(line: line, reason: reason) }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 {
            at += 1
            if byte == 10 { line += 1 }
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.depthLimit else { throw failure("nested more than \(Self.depthLimit) deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(UInt8(ascii: "-")), .some(48...57): return try number()
        default: throw failure("a JSON value should be here")
        }
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[at...].starts(with: text.utf8) else { throw failure("a JSON value should be here") }
        at += text.utf8.count
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = at
        while let byte = next, (48...57).contains(byte) || "+-.eE".utf8.contains(byte) { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        guard Double(text) != nil else { throw failure("this is no number: \(text.prefix(40))") }
        return .number(text)
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        at += 1
        var items: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return .array(items)
        }
        while true {
            items.append(try value(depth: depth + 1))
            if try ends(with: UInt8(ascii: "]")) { return .array(items) }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        at += 1
        var members: [JSONMember] = []
        var names: Set<String> = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            at += 1
            return .object(members)
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a name in double quotes should be here") }
            let ownLine = line
            let name = try string()
            guard names.insert(name).inserted else { throw failure("\"\(name)\" stands twice in one object") }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("a colon should follow the name") }
            at += 1
            members.append(JSONMember(name: name, value: try value(depth: depth + 1), line: ownLine))
            if try ends(with: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    /// After an item: true at the closing bracket, false behind a comma.
    private mutating func ends(with bracket: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        let byte = next
        guard byte == bracket || byte == UInt8(ascii: ",") else {
            throw failure("a comma or closing bracket should be here")
        }
        at += 1
        return byte == bracket
    }

    private mutating func string() throws(JSONError) -> String {
        at += 1
        var text: [UInt8] = []
        var start = at
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                text += bytes[start..<at]
                at += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text += bytes[start..<at]
                at += 1
                try escape(into: &text)
                start = at
            case 0..<32: throw failure("a control character inside a text")
            default: at += 1
            }
        }
        throw failure("a text does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw failure("a text does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "u"): try scalar(into: &text)
        default: throw failure("an unknown escape")
        }
    }

    /// `\u` escapes; surrogates that are not a pair become U+FFFD.
    private mutating func scalar(into text: inout [UInt8]) throws(JSONError) {
        let first = try unit()
        var value = UInt32(first)
        if (0xD800..<0xDC00).contains(first), bytes[at...].starts(with: "\\u".utf8) {
            let back = at
            at += 2
            let second = try unit()
            if (0xDC00..<0xE000).contains(second) {
                value = 0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00
            } else {
                at = back
            }
        }
        text += Array(String(Character(Unicode.Scalar(value) ?? "\u{FFFD}")).utf8)
    }

    private mutating func unit() throws(JSONError) -> UInt16 {
        guard at + 4 <= bytes.count,
            let value = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits should follow \\u") }
        at += 4
        return value
    }
}
