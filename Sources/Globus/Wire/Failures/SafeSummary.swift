/// One line of an exception that may be shown to users. What looks like a path, a host, a network or a memory address is
/// replaced; no rule finds every name of a host, so that site texts are best kept to logs all the same.
enum SafeSummary {
    /// Scalars of a summary.
    static let limit = 300

    static func of(_ exception: PythonException) -> String {
        var lines = exception.message.split(separator: UInt8(ascii: "\n"))
        var line = String(decoding: lines.first ?? [], as: UTF8.self)
        // A line that only announces the next one says nothing alone.
        if lines.count > 1, line.utf8.last(where: { $0 != 0x20 }) == UInt8(ascii: ":") {
            lines.removeFirst()
            line += String(decoding: lines[0].drop { $0 == 0x20 }, as: UTF8.self)
        }
        let shown = [exception.name, line.isEmpty ? nil : safe(line)].compactMap { $0 }.joined(separator: ": ")
        guard shown.unicodeScalars.count > limit else { return shown.isEmpty ? "the task failed without a message" : shown }
        var cut = String.UnicodeScalarView()
        cut.append(contentsOf: shown.unicodeScalars.prefix(limit))
        return String(cut) + "…"
    }

    private static let delimiters = Set<Unicode.Scalar>(" '\"`()[]{},;<>=|".unicodeScalars)

    static func safe(_ line: String) -> String {
        var result = String.UnicodeScalarView()
        var word = String.UnicodeScalarView()
        var previous = ""
        // Only the beginning can be shown.
        for scalar in line.unicodeScalars.prefix(limit * 8) {
            if delimiters.contains(scalar) {
                result.append(contentsOf: replaced(word, after: &previous))
                word = String.UnicodeScalarView()
                result.append(scalar)
            } else {
                word.append(isShown(scalar) ? scalar : "?")
            }
        }
        result.append(contentsOf: replaced(word, after: &previous))
        return String(result)
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }

    private static func replaced(_ word: String.UnicodeScalarView, after previous: inout String) -> String.UnicodeScalarView
    {
        guard !word.isEmpty else { return word }
        var core = word
        while let last = core.last, last == "." || last == ":" || last == "!" || last == "?" { core.removeLast() }
        let text = String(core)
        let tail = word.dropFirst(core.count)
        defer { previous = text }
        guard let replacement = HostileWord.replacement(for: text, after: previous) else { return word }
        return String.UnicodeScalarView(replacement.unicodeScalars + tail)
    }
}

/// What a word gives away about a site.
enum HostileWord {
    private static let hostIntroductions: Set<String> = ["host", "hostname", "node", "machine", "server"]

    /// Nil for a word that may stay.
    static func replacement(for word: String, after previous: String) -> String? {
        let bytes = Array(word.utf8)
        guard !bytes.isEmpty else { return nil }
        if bytes.firstRange(of: "://".utf8) != nil || bytes.contains(UInt8(ascii: "@")) { return "(address)" }
        if isPath(bytes) { return "(path)" }
        if word.hasPrefix("0x"), bytes.count > 6 { return "(address)" }
        if hostIntroductions.contains(previous.lowercased()), previous != "server" || bytes.contains(UInt8(ascii: ".")) {
            return "(host)"
        }
        return isHost(bytes) ? "(host)" : nil
    }

    private static func isPath(_ word: [UInt8]) -> Bool {
        let slashes = word.count { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
        // One slash inside a word is the name of a model or a content type.
        return slashes >= 2
            || slashes == 1 && word.count > 1 && [UInt8(ascii: "/"), UInt8(ascii: "~"), UInt8(ascii: ".")].contains(word[0])
    }

    /// An address with dots or colons, or a name of three labels in lower case, each with or without a port.
    private static func isHost(_ word: [UInt8]) -> Bool {
        let isAddress6 = word.allSatisfy { $0 == UInt8(ascii: ":") || isHexadecimal($0) }
        if isAddress6, word.count(where: { $0 == UInt8(ascii: ":") }) >= 2 { return true }
        let labels = word.prefix { $0 != UInt8(ascii: ":") }.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count == 4, labels.allSatisfy({ (1...3).contains($0.count) && $0.allSatisfy(isDigit) }) { return true }
        guard labels.count >= 3, let last = labels.last, last.count >= 2, last.allSatisfy(isLower) else { return false }
        return labels.allSatisfy { !$0.isEmpty && $0.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") } }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}
