import Trust

/// Writes JSON (RFC 8259) as Python's `json.dumps` does.
struct WireJSONWriter {
    let style: WireJSON.Style
    let ascii: Bool
    private(set) var bytes: [UInt8] = []

    init(style: WireJSON.Style, ascii: Bool) {
        self.style = style
        self.ascii = ascii
    }

    private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func value(_ value: WireValue) {
        switch value {
        case .null: raw("null")
        case .bool(let value): raw(value ? "true" : "false")
        case .integer(let value): raw(String(value))
        case .largeInteger(let digits): raw(digits)
        case .double(let value): raw(value.isFinite ? PythonFloat.text(value) : "null")
        case .string(let text): string(text)
        case .bytes(let bytes): string(Base64.encode(bytes))
        case .list(let items), .tuple(let items): array(items)
        case .dictionary(let pairs): object(pairs)
        }
    }

    private mutating func array(_ items: [WireValue]) {
        raw("[")
        for (index, item) in items.enumerated() {
            if index > 0 { raw(style == .python ? ", " : ",") }
            value(item)
        }
        raw("]")
    }

    private mutating func object(_ pairs: [WirePair]) {
        raw("{")
        for (index, pair) in pairs.enumerated() {
            if index > 0 { raw(style == .python ? ", " : ",") }
            string(keyText(pair.key))
            raw(style == .python ? ": " : ":")
            value(pair.value)
        }
        raw("}")
    }

    /// Python's `json.dumps` refuses tuples and bytes as keys; here they are written as the text they would be as values.
    private func keyText(_ key: WireValue) -> String {
        switch key {
        case .string(let text): text
        case .bytes(let bytes): Base64.encode(bytes)
        default: WireJSON.write(key, style: style, ascii: ascii)
        }
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        if ascii {
            for scalar in text.unicodeScalars { self.scalar(scalar) }
        } else {
            for byte in text.utf8 {
                if byte < 0x80, byte != 0x7F { scalar(Unicode.Scalar(byte)) } else { bytes.append(byte) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func scalar(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": raw("\\\"")
        case "\\": raw("\\\\")
        case "\n": raw("\\n")
        case "\r": raw("\\r")
        case "\t": raw("\\t")
        case "\u{8}": raw("\\b")
        case "\u{C}": raw("\\f")
        case " "..."~": bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        default: for unit in UTF16.encode(scalar) ?? .init() { escape(unit) }
        }
    }

    private mutating func escape(_ unit: UInt16) {
        raw("\\u")
        for shift in [12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: unit >> UInt16(shift) & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
