import Routing

/// Writes JSON (RFC 8259) piece by piece; commas set themselves.
public struct JSONWriter {
    public private(set) var text = ""
    private var needsComma = false

    public init() {}

    private mutating func next() {
        if needsComma { text += "," }
        needsComma = true
    }

    public mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }
    public mutating func array(_ body: (inout JSONWriter) -> Void) { nest("[", "]", body) }

    private mutating func nest(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        next()
        text += open
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }

    public mutating func key(_ name: String) {
        next()
        text += "\"" + jsonEscaped(name) + "\":"
        needsComma = false
    }

    public mutating func value(_ string: String?) {
        next()
        text += string.map { "\"" + jsonEscaped($0) + "\"" } ?? "null"
    }

    public mutating func value(_ number: Int?) {
        next()
        text += number.map { String($0) } ?? "null"
    }

    public mutating func value(_ number: UInt64?) {
        next()
        text += number.map { String($0) } ?? "null"
    }

    /// Rounded to microunits: no more digits than anyone reads. What is not finite is unknown.
    public mutating func value(_ number: Double?) {
        next()
        guard let number, number.isFinite, number.magnitude < 1e15 else {
            text += "null"
            return
        }
        let rounded = (number * 1e6).rounded() / 1e6
        text += rounded == rounded.rounded() ? String(Int64(rounded)) : String(rounded)
    }

    public mutating func value(_ truth: Bool) {
        next()
        text += truth ? "true" : "false"
    }

    public mutating func field(_ name: String, _ string: String?) {
        key(name)
        value(string)
    }

    public mutating func field(_ name: String, _ number: Int?) {
        key(name)
        value(number)
    }

    public mutating func field(_ name: String, _ number: UInt64?) {
        key(name)
        value(number)
    }

    public mutating func field(_ name: String, _ number: Double?) {
        key(name)
        value(number)
    }

    public mutating func field(_ name: String, _ truth: Bool) {
        key(name)
        value(truth)
    }

    public mutating func field(_ name: String, _ strings: [String]) {
        key(name)
        array { writer in for string in strings { writer.value(string) } }
    }

    public static func object(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        writer.object(body)
        return writer.text
    }
}
