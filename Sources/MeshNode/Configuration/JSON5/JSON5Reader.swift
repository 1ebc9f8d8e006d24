/// Reads JSON5 (spec.json5.org, version 1.0.0) and keeps the position of every value and key.
///
/// Foundation's reader gives no line and takes keys given twice. This one stops at the first error of syntax, lists
/// duplicate keys, and goes no deeper than `depthAllowed`.
struct JSON5Reader {
    /// How many objects and arrays may stand inside each other.
    static let depthAllowed = 64

    let source: JSON5Source
    var index = 0
    private var path = FieldPath()
    private var duplicateKeys: [JSON5Error] = []

    /// Reads a whole text: one value, with nothing but space and comments around it.
    static func read(_ bytes: [UInt8]) throws(JSON5Error) -> JSON5Document {
        var reader = JSON5Reader(source: try JSON5Source(bytes))
        try reader.skipSpace()
        let root = try reader.value()
        try reader.skipSpace()
        guard reader.index == reader.source.scalars.count else {
            throw reader.failure("found \(reader.found); allowed after the end of the document: nothing")
        }
        return JSON5Document(root: root, duplicateKeys: reader.duplicateKeys)
    }

    private init(source: JSON5Source) { self.source = source }

    /// The scalar at the reading place; nil at the end.
    var next: Unicode.Scalar? { scalar(0) }

    func scalar(_ ahead: Int) -> Unicode.Scalar? {
        index + ahead < source.scalars.count ? source.scalars[index + ahead] : nil
    }

    /// An error about what stands at the reading place, or at `index`.
    func failure(_ message: String, at index: Int? = nil) -> JSON5Error {
        JSON5Error(position: source.position(of: index ?? self.index), field: path.description, message: message)
    }

    /// What stands at the reading place, for a message.
    var found: String {
        guard let next else { return "the end of the file" }
        return next == "\n" || next == "\r" ? "the end of the line" : Quoting.excerpt(String(next))
    }

    private mutating func value() throws(JSON5Error) -> JSON5Value {
        let position = source.position(of: index)
        let content: JSON5Content
        switch next {
        case "{": content = .object(try object())
        case "[": content = .array(try array())
        case "\"", "'": content = .string(try string())
        case .some("+"), .some("-"), .some("."), .some("0"..."9"): content = .number(try number())
        case .some(let scalar) where Self.startsIdentifier(scalar) || scalar == "\\": content = try word()
        default: throw failure("found \(found); allowed: a value")
        }
        return JSON5Value(position: position, content: content)
    }

    private mutating func word() throws(JSON5Error) -> JSON5Content {
        let start = index
        let word = try identifier()
        switch word {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        case "null": return .null
        case "Infinity", "NaN":
            index = start
            return .number(try number())
        default:
            throw failure("found \(Quoting.cut(word)); allowed: a value (a string stands in quotes)", at: start)
        }
    }

    private mutating func object() throws(JSON5Error) -> [JSON5Member] {
        let start = index
        try enter()
        var members: [JSON5Member] = []
        var lines: [String: Int] = [:]
        while try !closes("}", begun: start) {
            let keyIndex = index
            let key = next == "\"" || next == "'" ? try string() : try identifier()
            let keyPosition = source.position(of: keyIndex)
            path.steps.append(.key(key))
            let earlier = lines[key]
            lines[key] = earlier ?? keyPosition.line
            try skipSpace()
            guard next == ":" else { throw failure("found \(found); allowed: \":\" between a key and its value") }
            index += 1
            try skipSpace()
            let value = try value()
            if let earlier {
                duplicateKeys.append(failure("the key is given twice; first in line \(earlier)", at: keyIndex))
            } else {
                members.append(JSON5Member(key: key, keyPosition: keyPosition, value: value))
            }
            path.steps.removeLast()
            try separator("}", begun: start)
        }
        leave()
        return members
    }

    private mutating func array() throws(JSON5Error) -> [JSON5Value] {
        let start = index
        try enter()
        var values: [JSON5Value] = []
        while try !closes("]", begun: start) {
            path.steps.append(.item(values.count))
            values.append(try value())
            path.steps.removeLast()
            try separator("]", begun: start)
        }
        leave()
        return values
    }

    private mutating func enter() throws(JSON5Error) {
        guard depth < Self.depthAllowed else {
            throw failure("objects and arrays stand more than \(Self.depthAllowed) deep, the most allowed")
        }
        depth += 1
        index += 1
    }

    private mutating func leave() {
        depth -= 1
        index += 1
    }

    private var depth = 0

    private mutating func closes(_ bracket: Unicode.Scalar, begun start: Int) throws(JSON5Error) -> Bool {
        try skipSpace()
        guard next != nil else { throw unclosed(bracket, begun: start) }
        return next == bracket
    }

    /// Takes the comma after an element; only the closing bracket may stand there instead.
    private mutating func separator(_ bracket: Unicode.Scalar, begun start: Int) throws(JSON5Error) {
        try skipSpace()
        guard next != nil else { throw unclosed(bracket, begun: start) }
        if next == "," {
            index += 1
        } else if next != bracket {
            throw failure("found \(found); allowed: \",\" or \"\(bracket)\"")
        }
    }

    private func unclosed(_ bracket: Unicode.Scalar, begun start: Int) -> JSON5Error {
        let line = source.position(of: start).line
        return failure("found the end of the file; allowed: \"\(bracket)\", to close what begins in line \(line)")
    }
}
