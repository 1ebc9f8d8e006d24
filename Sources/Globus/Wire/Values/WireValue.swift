/// A value of Python as it travels: what JSON can say, and tuples, bytes and keys of any kind, which pickles can say too.
public enum WireValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// An integer beyond 64 bits in decimal, without leading zeros.
    case largeInteger(String)
    /// Always finite when read: Python's NaN and infinities are read as `null`, which is all that JSON can pass on.
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([WireValue])
    case tuple([WireValue])
    /// In the order written; of equal keys the last one's value, at the place of the first.
    case dictionary([WirePair])
}

/// One entry of a dictionary.
public struct WirePair: Sendable, Equatable {
    public var key: WireValue
    public var value: WireValue

    public init(key: WireValue, value: WireValue) {
        self.key = key
        self.value = value
    }

    public init(_ key: String, _ value: WireValue) { self.init(key: .string(key), value: value) }
}

/// As Python compares them, but kinds are kept apart (1, 1.0 and True differ) and so is the order of a dictionary. Strings
/// are compared by scalars: Swift's own `==` would call different spellings of one letter equal.
extension WireValue: Equatable {
    public static func == (left: WireValue, right: WireValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.largeInteger(let left), .largeInteger(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.bytes(let left), .bytes(let right)): left == right
        case (.list(let left), .list(let right)): left == right
        case (.tuple(let left), .tuple(let right)): left == right
        case (.dictionary(let left), .dictionary(let right)): left == right
        default: false
        }
    }
}
