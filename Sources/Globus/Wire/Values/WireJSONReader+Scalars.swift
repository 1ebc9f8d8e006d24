extension WireJSONReader {
    /// Of the standard's grammar; beyond 64 bits exact, beyond a float's range null, as NaN is.
    mutating func number() throws(WireError) -> WireValue {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        let first = next
        let whole = digits()
        guard whole > 0 else { throw malformed("a digit should be there") }
        guard whole == 1 || first != UInt8(ascii: "0") else { throw malformed("a number with a leading zero") }
        var isFloat = false
        if next == UInt8(ascii: ".") {
            isFloat = true
            at += 1
            guard digits() > 0 else { throw malformed("a digit should be there") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isFloat = true
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            guard digits() > 0 else { throw malformed("a digit should be there") }
        }
        guard at - start <= limits.digits else { throw .limit("a number of more than \(limits.digits) digits") }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isFloat {
            guard let value = Double(text), value.isFinite else { return .null }
            return .double(value)
        }
        return Int64(text).map { .integer($0) } ?? .largeInteger(text)
    }

    private mutating func digits() -> Int {
        let start = at
        while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
        return at - start
    }

    /// From the opening quote to behind the closing one.
    mutating func string() throws(WireError) -> String {
        at += 1
        let start = at
        guard
            let end = bytes[start...].firstIndex(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") || $0 < 0x20 }
            )
        else { throw malformed("it ends inside a string") }
        at = end
        if bytes[end] == UInt8(ascii: "\"") {
            at += 1
            return try text(bytes[start..<end])
        }
        var decoded = Array(bytes[start..<end])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return try text(decoded[...])
            case UInt8(ascii: "\\"):
                at += 1
                decoded.append(contentsOf: try escape())
            case 0..<0x20: throw malformed("a control character inside a string")
            default:
                decoded.append(byte)
                at += 1
            }
        }
        throw malformed("it ends inside a string")
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(WireError) -> String {
        guard let text = WireText.decode(bytes) else { throw malformed("a string before it is not UTF-8") }
        return text
    }

    private mutating func escape() throws(WireError) -> String.UTF8View {
        guard let byte = next else { throw malformed("it ends inside an escape") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""): return "\"".utf8
        case UInt8(ascii: "\\"): return "\\".utf8
        case UInt8(ascii: "/"): return "/".utf8
        case UInt8(ascii: "b"): return "\u{8}".utf8
        case UInt8(ascii: "f"): return "\u{C}".utf8
        case UInt8(ascii: "n"): return "\n".utf8
        case UInt8(ascii: "r"): return "\r".utf8
        case UInt8(ascii: "t"): return "\t".utf8
        case UInt8(ascii: "u"): return String(try scalar()).utf8
        default: throw malformed("no escape begins like this")
        }
    }

    /// Behind `\u`. A pair of surrogates makes one scalar; one alone is U+FFFD, and what follows it stands for itself.
    private mutating func scalar() throws(WireError) -> Unicode.Scalar {
        let unit = try hexadecimal()
        if unit & 0xFC00 == 0xD800, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u")
        {
            let mark = at
            at += 2
            let low = try hexadecimal()
            if low & 0xFC00 == 0xDC00 {
                return Unicode.Scalar(0x10000 + ((unit & 0x3FF) << 10 | low & 0x3FF)) ?? "\u{FFFD}"
            }
            at = mark
        }
        return Unicode.Scalar(unit) ?? "\u{FFFD}"
    }

    private mutating func hexadecimal() throws(WireError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            switch next {
            case .some(let byte) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
                unit = unit << 4 | UInt32(byte & 0xF)
            case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20):
                unit = unit << 4 | UInt32(byte & 0xF + 9)
            default: throw malformed("four hexadecimal digits should be there")
            }
            at += 1
        }
        return unit
    }
}
