/// Makes text fit for the audit log: one line, of a bounded length, without what looks like a secret.
enum AuditText {
    static let nameBytes = 256
    static let detailBytes = 1024

    /// Control characters become spaces; what is too long is cut at a whole character; secrets are left out.
    static func clean(_ text: String, bytes limit: Int) -> String {
        // What is far too long is not even looked at.
        let bounded = text.utf8.count > limit * 4 ? String(text.prefix(limit * 4)) : text
        let words = bounded.split(separator: " ", omittingEmptySubsequences: false).map(hidden)
        var clean = ""
        for scalar in words.joined(separator: " ").unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
            clean.unicodeScalars.append(isControl ? " " : scalar)
        }
        return clean.utf8.count > limit ? cut(clean, limit) : clean
    }

    /// Callers pass no secrets; this is for the one who does by mistake. Known by their form: API keys, signed tokens, PEM.
    private static func hidden(_ word: Substring) -> String {
        if word.hasPrefix("mk_") {
            let parts = word.split(separator: "_", maxSplits: 3)
            if parts.count == 4 { return parts[0...2].joined(separator: "_") + "_(hidden)" }
        }
        if word.hasPrefix("eyJ"), word.utf8.count > 32 { return "(hidden)" }
        if word.contains("-----BEGIN") { return "(hidden)" }
        return String(word)
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        var out = ""
        for character in text {
            guard out.utf8.count + character.utf8.count <= limit - 3 else { break }
            out.append(character)
        }
        return out + "…"
    }
}
