/// The little JSON (RFC 8259) that is written and taken apart here. What is read was validated before.
enum JSONText {
    /// A string with its quotes.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// What stands between a string's quotes; of other values, all.
    static func withoutQuotes(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard bytes.count >= 2, bytes.first == UInt8(ascii: "\"") else { return bytes }
        return UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1])
    }

    /// Where the elements of an array stand, without the space around them.
    ///
    /// - Parameter limit: elements told at most, one more than is allowed.
    static func elements(_ array: UnsafeRawBufferPointer, limit: Int) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var depth = 0
        var start = -1
        var end = 0
        var inString = false
        var escaped = false
        func close() {
            if start >= 0, found.count < limit { found.append(start..<end) }
            start = -1
        }
        for (position, byte) in array.enumerated() {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else {
                    inString = byte != UInt8(ascii: "\"")
                }
                end = position + 1
                continue
            }
            switch byte {
            case 0x20, 0x09, 0x0a, 0x0d: continue
            case UInt8(ascii: ",") where depth == 1:
                close()
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth == 1 { continue }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 {
                    close()
                    continue
                }
            case UInt8(ascii: "\""): inString = true
            default: break
            }
            if start < 0 { start = position }
            end = position + 1
        }
        return found
    }
}
