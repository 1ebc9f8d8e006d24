import Globus

/// Reads what Python's `repr` writes for plain data. For tests: a second way to the value that a vector stands for.
struct PythonLiteral {
    struct NotALiteral: Error {}

    private let scalars: [Unicode.Scalar]
    private var at = 0

    static func read(_ text: String) throws -> WireValue {
        var reader = PythonLiteral(scalars: Array(text.unicodeScalars))
        let value = try reader.value()
        guard reader.at == reader.scalars.count else { throw NotALiteral() }
        return value
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    private mutating func value() throws -> WireValue {
        guard at < scalars.count else { throw NotALiteral() }
        switch scalars[at] {
        case "'", "\"": return .string(String(String.UnicodeScalarView(try quoted())))
        case "b":
            at += 1
            return .bytes(try quoted().map { UInt8($0.value) })
        case "[": return .list(try items(until: "]").items)
        case "(": return .tuple(try items(until: ")").items)
        case "{":
            let found = try items(until: "}")
            return .dictionary(zip(found.keys, found.items).map { WirePair(key: $0, value: $1) })
        default: return try word()
        }
    }

    private mutating func word() throws -> WireValue {
        let start = at
        while at < scalars.count, !",]}): ".unicodeScalars.contains(scalars[at]) { at += 1 }
        let text = String(String.UnicodeScalarView(scalars[start..<at]))
        switch text {
        case "None", "nan", "inf", "-inf": return .null
        case "True": return .bool(true)
        case "False": return .bool(false)
        default:
            if let value = Int64(text) { return .integer(value) }
            if text.allSatisfy({ $0.isNumber || $0 == "-" }) { return .largeInteger(text) }
            guard let value = Double(text) else { throw NotALiteral() }
            return .double(value)
        }
    }

    private mutating func items(until close: Unicode.Scalar) throws -> (keys: [WireValue], items: [WireValue]) {
        var found: (keys: [WireValue], items: [WireValue]) = ([], [])
        at += 1
        while at < scalars.count, scalars[at] != close {
            var item = try value()
            if at < scalars.count, scalars[at] == ":" {
                found.keys.append(item)
                at += 2
                item = try value()
            }
            found.items.append(item)
            while at < scalars.count, scalars[at] == "," || scalars[at] == " " { at += 1 }
        }
        at += 1
        return found
    }

    private mutating func quoted() throws -> [Unicode.Scalar] {
        let quote = scalars[at]
        at += 1
        var text: [Unicode.Scalar] = []
        while at < scalars.count, scalars[at] != quote {
            guard scalars[at] == "\\" else {
                text.append(scalars[at])
                at += 1
                continue
            }
            let escapes: [Unicode.Scalar: Unicode.Scalar] = [
                "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"",
            ]
            let digits: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]
            let escape = scalars[at + 1]
            at += 2
            if let count = digits[escape] {
                let code = UInt32(String(String.UnicodeScalarView(scalars[at..<at + count])), radix: 16) ?? 0
                text.append(Unicode.Scalar(code) ?? "\u{FFFD}")
                at += count
            } else {
                text.append(escapes[escape] ?? escape)
            }
        }
        guard at < scalars.count else { throw NotALiteral() }
        at += 1
        return text
    }
}
