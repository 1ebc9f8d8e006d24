/// How strings of a configuration are written: whole for files, cut short for messages.
enum Quoting {
    /// A JSON string with its quotes, readable by every JSON reader.
    static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars { quoted += escaped(scalar) }
        return quoted + "\""
    }

    /// The most scalars of a text that a message shows.
    static let scalarsShown = 60

    /// A quoted string for a message: one line, cut short, nothing that a terminal obeys.
    static func excerpt(_ text: String) -> String { "\"\(cut(text))\"" }

    /// The same without quotes.
    static func cut(_ text: String, scalars: Int = scalarsShown) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(scalars) { shown += escaped(scalar) }
        return text.unicodeScalars.count > scalars ? shown + "…" : shown
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            return String(scalar).utf16.map(hexadecimal).joined()
        default:
            return String(scalar)
        }
    }

    private static func hexadecimal(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
