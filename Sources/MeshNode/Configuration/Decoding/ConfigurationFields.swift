/// The fields of an object. Asking for a key makes it known; keys never asked for are errors.
final class ConfigurationFields {
    /// The object itself.
    let cursor: ConfigurationCursor
    private let members: [JSON5Member]
    private let indices: [String: Int]
    private var known: [String] = []

    init(_ members: [JSON5Member], of cursor: ConfigurationCursor) {
        self.cursor = cursor
        self.members = members
        indices = Dictionary(members.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(key: String) -> ConfigurationCursor {
        if !known.contains(key) { known.append(key) }
        var value = indices[key].map { members[$0].value }
        if case .null = value?.content { value = nil }
        return ConfigurationCursor(
            value: value, position: value?.position ?? cursor.position, path: cursor.path.key(key),
            decoding: cursor.decoding, isMuted: cursor.isMuted)
    }

    /// Whether the object has a key, without making it known.
    func holds(_ key: String) -> Bool { indices[key] != nil }

    /// All keys and their values, where the keys are names of the user's own; all are known then.
    func entries() -> [(key: String, value: ConfigurationCursor, keyPosition: SourcePosition)] {
        members.map { ($0.key, self[$0.key], $0.keyPosition) }
    }

    /// Lets every key pass, where it is not known which ones are right.
    func ignoreUnknown() { known = members.map(\.key) }

    /// Records the keys that nobody asked for, with those they may have been meant to be.
    func reportUnknown() {
        guard !cursor.isMuted else { return }
        let names = Set(known)
        for (order, member) in members.filter({ !names.contains($0.key) }).enumerated() {
            // Errors past the limit are counted only, so no work is spent on a hostile file's thousands.
            let isShown = order < ConfigurationErrors.errorsKept
            var guess = isShown ? NearMisses.question(member.key, among: known) : ""
            if guess.isEmpty { guess = "; allowed: \(known.joined(separator: ", "))" }
            cursor.decoding.record(
                "unknown key\(guess)", field: cursor.path.key(member.key).description, at: member.keyPosition)
        }
    }
}

extension ConfigurationCursor {
    /// Reads an object that must be there.
    func object<Value>(_ body: (ConfigurationFields) -> Value) -> Value {
        guard case .object(let members) = value?.content else {
            refuse(allowed: "an object { … }")
            return emptyObject(muted: true, body)
        }
        let fields = ConfigurationFields(members, of: self)
        let result = body(fields)
        fields.reportUnknown()
        return result
    }

    /// Reads an object whose fields all have defaults, so that it may be left out.
    func objectOrDefaults<Value>(_ body: (ConfigurationFields) -> Value) -> Value {
        isPresent ? object(body) : emptyObject(muted: isMuted, body)
    }

    private func emptyObject<Value>(muted: Bool, _ body: (ConfigurationFields) -> Value) -> Value {
        let cursor = ConfigurationCursor(value: value, position: position, path: path, decoding: decoding, isMuted: muted)
        return body(ConfigurationFields([], of: cursor))
    }

    /// Reads a list. Left out, it is empty; where that is not allowed, `atLeast` says so.
    func list<Value>(atLeast: Int = 0, atMost: Int, _ item: (ConfigurationCursor) -> Value) -> [Value] {
        let allowed = atLeast > 0 ? "a list of \(atLeast) to \(atMost)" : "a list of at most \(atMost)"
        if value == nil && atLeast == 0 { return [] }
        guard case .array(let values) = value?.content else {
            refuse(allowed: allowed)
            return []
        }
        guard (atLeast...atMost).contains(values.count) else {
            fail("found a list of \(values.count); allowed: \(allowed)")
            return []
        }
        return values.enumerated().map { index, value in
            item(
                ConfigurationCursor(
                    value: value, position: value.position, path: path.item(index), decoding: decoding, isMuted: isMuted))
        }
    }
}

/// Names that may be used once in some part of a file.
final class UniqueNames {
    private var lines: [String: Int] = [:]

    /// Claims a name for the field at `cursor`; records an error where it is taken. Stand-ins (empty) are not claimed.
    func claim(_ name: String, by cursor: ConfigurationCursor) {
        guard !name.isEmpty else { return }
        if let line = lines[name] {
            cursor.fail("found \(cursor.found), which line \(line) has already; allowed: each once")
        } else {
            lines[name] = cursor.position.line
        }
    }
}
