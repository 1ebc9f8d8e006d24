/// A JSON value (RFC 8259) as the emulation reads and writes it. Objects keep the order of their members.
indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// As it was written, so that nothing is lost.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])
    /// JSON text that is written as it is; never read.
    case literal(String)
}

/// A member of an object, with the line that it was read from; 0 where it was made here.
struct JSONMember: Sendable, Equatable {
    var name: String
    var value: JSONValue
    var line = 0

    static func == (a: JSONMember, b: JSONMember) -> Bool { a.name == b.name && a.value == b.value }
}

extension JSONValue {
    subscript(_ name: String) -> JSONValue? { members?.first { $0.name == name }?.value }

    var members: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    var items: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var truth: Bool? {
        guard case .bool(let truth) = self else { return nil }
        return truth
    }

    var double: Double? {
        guard case .number(let text) = self else { return nil }
        return Double(text)
    }

    var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }

    /// What kind of value it is, in words.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object, .literal: "an object"
        }
    }

    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .number("\(value)") }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { JSONMember(name: $0.0, value: $0.1) })
    }
    init(nilLiteral: ()) { self = .null }
    init(_ number: Int) { self = .number("\(number)") }
    init(_ number: Double) { self = .number("\(number)") }
}
