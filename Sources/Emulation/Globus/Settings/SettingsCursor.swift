/// Takes an object's members one after another, and says of what it cannot use: which line, which member, what is allowed.
struct SettingsCursor {
    /// How the object is called in messages: `users[0]`; empty for the whole.
    let path: String
    private let line: Int
    private let members: [JSONMember]
    private var taken: Set<String> = []

    init(_ value: JSONValue, path: String = "", line: Int = 1) throws(JSONError) {
        guard let members = value.members else {
            throw JSONError(
                line: line, reason: "\(path.isEmpty ? "the configuration" : path): found \(value.kind); allowed: an object")
        }
        self.path = path
        self.line = line
        self.members = members
    }

    private func name(_ member: String) -> String { path.isEmpty ? member : "\(path).\(member)" }

    func failure(_ member: String, _ reason: String) -> JSONError {
        JSONError(line: members.first { $0.name == member }?.line ?? line, reason: "\(name(member)): \(reason)")
    }

    /// A member's value; nil where it is not there or null.
    mutating func value(_ member: String) -> JSONValue? {
        taken.insert(member)
        guard let value = members.first(where: { $0.name == member })?.value, value != .null else { return nil }
        return value
    }

    /// Whether a member is there and null.
    func isNull(_ member: String) -> Bool { members.contains { $0.name == member && $0.value == .null } }

    mutating func text(_ member: String) throws(JSONError) -> String? {
        guard let value = value(member) else { return nil }
        guard let text = value.text, !text.isEmpty else {
            throw failure(member, "found \(value.kind); allowed: a text that is not empty")
        }
        return text
    }

    mutating func requiredText(_ member: String) throws(JSONError) -> String {
        guard let text = try text(member) else { throw failure(member, "is missing: a text") }
        return text
    }

    mutating func choice(_ member: String, _ allowed: [String]) throws(JSONError) -> String? {
        guard let text = try text(member) else { return nil }
        guard allowed.contains(text) else {
            throw failure(member, "found \"\(text)\"; allowed: \(allowed.joined(separator: ", "))")
        }
        return text
    }

    mutating func truth(_ member: String) throws(JSONError) -> Bool? {
        guard let value = value(member) else { return nil }
        guard let truth = value.truth else { throw failure(member, "found \(value.kind); allowed: true or false") }
        return truth
    }

    mutating func number(_ member: String, _ range: ClosedRange<Double>) throws(JSONError) -> Double? {
        guard let value = value(member) else { return nil }
        guard let number = value.double, range.contains(number) else {
            throw failure(member, "allowed: a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func integer(_ member: String, _ range: ClosedRange<Int>) throws(JSONError) -> Int? {
        guard let value = value(member) else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw failure(member, "allowed: an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func texts(_ member: String) throws(JSONError) -> [String]? {
        guard let value = value(member) else { return nil }
        let texts = value.items?.compactMap(\.text)
        guard let texts, texts.count == value.items?.count else { throw failure(member, "allowed: a list of texts") }
        return texts
    }

    /// A list of objects, each with a cursor of its own.
    mutating func objects<Element>(
        _ member: String, _ read: (inout SettingsCursor) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        guard let value = value(member) else { return [] }
        guard let items = value.items else { throw failure(member, "found \(value.kind); allowed: a list of objects") }
        var elements: [Element] = []
        for (index, item) in items.enumerated() {
            let line = item.members?.first?.line ?? members.first { $0.name == member }?.line ?? line
            var cursor = try SettingsCursor(item, path: "\(name(member))[\(index)]", line: line)
            elements.append(try read(&cursor))
            try cursor.finish()
        }
        return elements
    }

    /// - Throws: when a member was not asked for.
    func finish() throws(JSONError) {
        for member in members where !taken.contains(member.name) {
            throw JSONError(
                line: member.line,
                reason: "\(name(member.name)): unknown; allowed: \(taken.sorted().joined(separator: ", "))")
        }
    }
}
