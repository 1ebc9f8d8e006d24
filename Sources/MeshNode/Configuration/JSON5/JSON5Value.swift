/// A place in a text file. Both numbers begin at 1; columns count Unicode scalars, a tab being one.
struct SourcePosition: Hashable, Sendable {
    var line: Int
    var column: Int
}

/// A value of a JSON5 text and where it begins.
struct JSON5Value: Sendable {
    var position: SourcePosition
    var content: JSON5Content
}

/// What a JSON5 value is. Members keep the order of the text, and keys are unique.
enum JSON5Content: Sendable {
    case null
    case boolean(Bool)
    case number(JSON5Number)
    case string(String)
    case array([JSON5Value])
    case object([JSON5Member])
}

/// One `key: value` of an object.
struct JSON5Member: Sendable {
    var key: String
    var keyPosition: SourcePosition
    var value: JSON5Value
}

/// A number as written and as read. `Infinity` and `NaN` are numbers too: fields that need finite ones refuse them.
struct JSON5Number: Sendable {
    /// The characters of the text.
    var text: String
    var value: Double
    /// The exact value where it is a whole number that an `Int` holds.
    var integer: Int?
}

/// What is wrong with a JSON5 text, and where.
struct JSON5Error: Error, Equatable, Sendable {
    var position: SourcePosition
    /// The field being read, such as `models[1].backend.url`; empty at the top.
    var field: String
    /// What was found and what is allowed there.
    var message: String
}

/// A JSON5 text that could be read. Keys given twice do not stop the reader: they are listed.
struct JSON5Document: Sendable {
    var root: JSON5Value
    var duplicateKeys: [JSON5Error]
}
