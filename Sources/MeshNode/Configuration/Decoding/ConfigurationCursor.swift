/// A place in a configuration file that a typed value is read from.
///
/// Every reading function returns a value. Where the file holds none that is allowed, the error is recorded and a harmless
/// stand-in returned, so that one pass finds everything wrong; a decoding with errors never hands its values out.
struct ConfigurationCursor {
    /// nil where the key is absent (or `null`, which means the same).
    let value: JSON5Value?
    /// Where the value is, or the object that lacks it.
    let position: SourcePosition
    let path: FieldPath
    let decoding: Decoding
    /// Set inside of what is wrong as a whole: one error is enough for it.
    let isMuted: Bool

    var isPresent: Bool { value != nil }

    /// Records an error about this field.
    func fail(_ message: String) {
        if !isMuted { decoding.record(message, field: path.description, at: position) }
    }

    /// Records that the value is not what the field allows.
    func refuse(allowed: String) {
        fail(value == nil ? "is missing; allowed: \(allowed)" : "found \(found); allowed: \(allowed)")
    }

    /// The value in words.
    var found: String {
        switch value?.content {
        case nil: "nothing"
        case .null: "null"
        case .boolean(let boolean): "\(boolean)"
        case .number(let number): Quoting.cut(number.text)
        case .string(let text): Quoting.excerpt(text)
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// What `read` makes of the value; nil where there is none.
    func optional<Value>(_ read: (ConfigurationCursor) -> Value) -> Value? {
        isPresent ? read(self) : nil
    }
}
