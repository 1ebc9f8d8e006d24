/// Writes JSON5 with comments, two spaces a level.
struct ConfigurationWriter {
    /// A value on one line.
    enum Value {
        case text(String)
        case texts([String])
        case integer(Int)
        case number(Double)
        case boolean(Bool)
    }

    private(set) var text = ""
    private var depth = 0

    mutating func line(_ content: String = "") {
        text += content.isEmpty ? "\n" : String(repeating: "  ", count: depth) + content + "\n"
    }

    mutating func comment(_ words: String) { line("// \(words)") }

    /// Writes a field; nil is left out.
    mutating func field(_ key: String, _ value: Value?) {
        switch value {
        case nil: return
        case .text(let text): line("\(key): \(Quoting.json(text)),")
        case .texts(let texts): line("\(key): [\(texts.map(Quoting.json).joined(separator: ", "))],")
        case .boolean(let boolean): line("\(key): \(boolean),")
        case .integer(let integer): line("\(key): \(integer),")
        case .number(let number): line("\(key): \(ConfigurationCursor.text(of: number)),")
        }
    }

    /// Writes an object; without a key, the top one.
    mutating func object(_ key: String?, _ body: (inout ConfigurationWriter) -> Void) {
        line(key.map { "\($0): {" } ?? "{")
        depth += 1
        body(&self)
        depth -= 1
        line(key == nil ? "}" : "},")
    }

    /// Writes a list of values that are text already, one a line.
    mutating func lines(_ key: String, _ items: [String]) {
        if items.isEmpty { return line("\(key): [],") }
        line("\(key): [")
        depth += 1
        for item in items { line(item) }
        depth -= 1
        line("],")
    }

    mutating func list<Item>(_ key: String, _ items: [Item], _ body: (inout ConfigurationWriter, Item) -> Void) {
        if items.isEmpty { return line("\(key): [],") }
        line("\(key): [")
        depth += 1
        for item in items {
            line("{")
            depth += 1
            body(&self, item)
            depth -= 1
            line("},")
        }
        depth -= 1
        line("],")
    }
}
