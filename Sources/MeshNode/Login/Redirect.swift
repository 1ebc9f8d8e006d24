import Trust

/// What the authorization server sends back by the user's browser (RFC 6749 §4.1.2).
enum Redirect: Equatable, Sendable {
    case code(String)
    case refused(String)
    /// Another login's, or nobody's.
    case foreign

    /// The longest code that is taken, in bytes.
    static let codeBytes = 2048
    /// The longest line that is read of a user, in bytes.
    static let pastedBytes = 8192

    /// Reads `code=…&state=…`.
    static func read(query: some StringProtocol, state: String) -> Redirect {
        var fields: [String: String] = [:]
        for pair in query.split(separator: "&").prefix(32) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = decoded(parts[1]) else { continue }
            fields[String(parts[0])] = value
        }
        guard let given = fields["state"], constantTimeEqual(Array(given.utf8), Array(state.utf8)) else { return .foreign }
        if let code = fields["code"], isCode(code) { return .code(code) }
        let words = [fields["error"], fields["error_description"]].compactMap { $0 }.map { Quoting.cut($0) }
        return words.isEmpty ? .foreign : .refused(words.joined(separator: ": "))
    }

    /// Reads what a user pastes: the code, or the whole address of the page that showed it.
    static func read(pasted text: String, state: String) -> Redirect {
        if text.hasPrefix("http://") || text.hasPrefix("https://"), let mark = text.firstIndex(of: "?") {
            return read(query: text[text.index(after: mark)...].prefix { $0 != "#" }, state: state)
        }
        return isCode(text) ? .code(text) : .foreign
    }

    private static func isCode(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= codeBytes && Names.isVisible(text)
    }

    /// `%41` and `+` as the characters they stand for; nil where that is not UTF-8, or no escape.
    private static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
