import Transport

/// `application/x-www-form-urlencoded`, in bodies and queries.
enum Form {
    static let fieldsAllowed = 64

    static func read(_ bytes: some Collection<UInt8>) -> [(String, String)] {
        var fields: [(String, String)] = []
        for pair in bytes.split(separator: UInt8(ascii: "&")).prefix(fieldsAllowed) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decodePercent(parts[0], plusIsSpace: true) else { continue }
            fields.append((name, parts.count == 2 ? decodePercent(parts[1], plusIsSpace: true) ?? "" : ""))
        }
        return fields
    }

    /// A value as it may stand in a query (RFC 3986 §2.3).
    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
