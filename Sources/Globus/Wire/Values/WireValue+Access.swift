/// Lenient reading: what is absent or of another kind is nil.
extension WireValue {
    /// The value at a string key of a dictionary.
    public subscript(_ key: String) -> WireValue? {
        guard case .dictionary(let pairs) = self else { return nil }
        let found = pairs.first { pair in
            guard case .string(let name) = pair.key else { return false }
            return name.utf8.elementsEqual(key.utf8)
        }
        return found?.value
    }

    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// An integer, also one written as a whole float or, as agents sometimes do, as decimal text.
    public var integer: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        case .string(let text): text.utf8.count <= 20 ? Int(text) : nil
        default: nil
        }
    }

    /// A finite number, also one written as an integer.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value.isFinite ? value : nil
        case .largeInteger(let digits): Double(digits).flatMap { $0.isFinite ? $0 : nil }
        default: nil
        }
    }

    public var truth: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements of a list or a tuple.
    public var items: [WireValue]? {
        switch self {
        case .list(let items), .tuple(let items): items
        default: nil
        }
    }

    public var pairs: [WirePair]? {
        guard case .dictionary(let pairs) = self else { return nil }
        return pairs
    }

    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The object or array that a string holds as JSON, as FIRST's functions return it (FIRST.md §2.2); any other value, and
    /// text that is not JSON, as it is. Strings inside what was unwrapped stay strings.
    public func unwrapped(limits: WireLimits = .default) -> WireValue {
        guard case .string(let text) = self,
            let first = text.utf8.first(where: { !WireJSON.isSpace($0) }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        else { return self }
        return (try? WireJSON.parse(Array(text.utf8), limits: limits)) ?? self
    }

    /// `unwrapped` with the default limits.
    public var unwrapped: WireValue { unwrapped() }
}
