/// Text as Python writes it in UTF-8, lone surrogates included.
enum WireText {
    /// The text; a surrogate (three bytes, `ED A0…BF xx`, as Python's `surrogatepass` writes it) is read as U+FFFD.
    /// - Returns: nil for anything else that is not UTF-8.
    static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var repaired = Array(bytes)
        var at = 0
        while at + 2 < repaired.count {
            if repaired[at] == 0xED, repaired[at + 1] & 0xE0 == 0xA0, repaired[at + 2] & 0xC0 == 0x80 {
                (repaired[at], repaired[at + 1], repaired[at + 2]) = (0xEF, 0xBF, 0xBD)
                at += 3
            } else {
                at += 1
            }
        }
        return String(validating: repaired, as: UTF8.self)
    }

    /// Text from outside for a message: cut, and all but visible ASCII replaced.
    static func printable(_ text: some Sequence<UInt8>, limit: Int = 80) -> String {
        let shown = text.prefix(limit + 1).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: shown.prefix(limit), as: UTF8.self) + (shown.count > limit ? "..." : "")
    }
}
