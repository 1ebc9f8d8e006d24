extension JSON5Value {
    /// The value as JSON (RFC 8259) on one line: for settings that are passed on as they are. What JSON cannot say (`NaN`, `Infinity`)
    /// becomes null.
    var json: String {
        switch content {
        case .null: return "null"
        case .boolean(let truth): return truth ? "true" : "false"
        case .number(let number):
            if let integer = number.integer { return "\(integer)" }
            return number.value.isFinite ? "\(number.value)" : "null"
        case .string(let text): return Quoting.json(text)
        case .array(let items): return "[" + items.map(\.json).joined(separator: ", ") + "]"
        case .object(let members):
            return "{" + members.map { Quoting.json($0.key) + ": " + $0.value.json }.joined(separator: ", ") + "}"
        }
    }
}

extension ConfigurationCursor {
    /// An object that is passed on as it is: its JSON.
    func jsonObject() -> String {
        guard case .object = value?.content, let value else {
            refuse(allowed: "an object { … }")
            return "{}"
        }
        let text = value.json
        guard text.utf8.count <= 65_536 else {
            fail("found an object of \(text.utf8.count) bytes; allowed: at most 65536")
            return "{}"
        }
        return text
    }

    /// A UUID, given back in lower case (RFC 9562 §4).
    func uuid() -> String {
        string(
            length: 36...36, allowed: "a UUID such as facd7ccc-c5f4-42aa-916b-a0e270e2c2a9", where: Names.isUUID
        ).lowercased()
    }

    /// true or false.
    func truth(default fallback: Bool) -> Bool {
        if value == nil { return fallback }
        guard case .boolean(let truth) = value?.content else {
            refuse(allowed: "true or false")
            return fallback
        }
        return truth
    }
}
