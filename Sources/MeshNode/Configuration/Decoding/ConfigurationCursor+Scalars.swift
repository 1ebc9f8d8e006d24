/// Reading numbers, texts and choices.
extension ConfigurationCursor {
    /// A text without control characters.
    /// - Parameters:
    ///   - length: how long it may be, in bytes of UTF-8.
    ///   - allowed: what is allowed, in words.
    ///   - isAllowed: the rule behind the words.
    func string(
        length: ClosedRange<Int> = 1...1024, allowed: String = "a text", where isAllowed: (String) -> Bool = { _ in true }
    ) -> String {
        guard case .string(let text) = value?.content else {
            refuse(allowed: allowed)
            return ""
        }
        let isPrintable = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard length.contains(text.utf8.count), isPrintable, isAllowed(text) else {
            refuse(allowed: "\(allowed), \(length.lowerBound) to \(length.upperBound) bytes, no control characters")
            return ""
        }
        return text
    }

    func boolean(default fallback: Bool) -> Bool {
        if value == nil { return fallback }
        guard case .boolean(let boolean) = value?.content else {
            refuse(allowed: "true or false")
            return fallback
        }
        return boolean
    }

    func integer(in range: ClosedRange<Int>, default fallback: Int? = nil) -> Int {
        if value == nil, let fallback { return fallback }
        guard case .number(let number) = value?.content, let integer = number.integer, range.contains(integer) else {
            refuse(allowed: "an integer from \(range.lowerBound) to \(range.upperBound)")
            return fallback ?? range.lowerBound
        }
        return integer
    }

    /// A size in bytes. The key ends in `Bytes`.
    func size(in range: ClosedRange<Int>, default fallback: Int) -> Int {
        integer(in: range, default: fallback)
    }

    /// A finite number.
    func number(in range: ClosedRange<Double>, unit: String = "", default fallback: Double? = nil) -> Double {
        if value == nil, let fallback { return fallback }
        guard case .number(let number) = value?.content, range.contains(number.value) else {
            let low = Self.text(of: range.lowerBound)
            let high = Self.text(of: range.upperBound)
            refuse(allowed: "a number\(unit.isEmpty ? "" : " of \(unit)") from \(low) to \(high)")
            return fallback ?? range.lowerBound
        }
        return number.value
    }

    /// A length of time in seconds. The key ends in `Seconds`.
    func duration(in range: ClosedRange<Double>, default fallback: Double) -> Double {
        number(in: range, unit: "seconds", default: fallback)
    }

    /// One of the cases of an enumeration, by its raw value.
    func enumeration<Choice: CaseIterable & RawRepresentable<String>>(
        _ type: Choice.Type, default fallback: Choice
    ) -> Choice {
        value == nil ? fallback : enumeration(type) ?? fallback
    }

    /// One of the cases of an enumeration; nil where it is none (recorded).
    func enumeration<Choice: CaseIterable & RawRepresentable<String>>(_ type: Choice.Type) -> Choice? {
        if case .string(let text) = value?.content, let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map { Quoting.json($0.rawValue) }
        refuse(allowed: names.joined(separator: ", "))
        return nil
    }

    /// Whether the value is this text.
    func holds(_ text: String) -> Bool {
        if case .string(text) = value?.content { true } else { false }
    }

    /// A number as people write it: `2`, not `2.0`.
    static func text(of number: Double) -> String {
        if let integer = Int(exactly: number) { return "\(integer)" }
        return number.description
    }
}
