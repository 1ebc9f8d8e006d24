/// Reading names and paths.
extension ConfigurationCursor {
    /// A site's or node's name.
    func label() -> String {
        string(length: 1...63, allowed: "a name such as site-a (a-z, 0-9, and - inside)", where: Names.isLabel)
    }

    /// A federation's name: labels, with dots between them.
    func federation() -> String {
        string(
            length: 1...253, allowed: "a name such as demo or mesh.example.org (a-z, 0-9, and - or . inside)",
            where: Names.isFederation)
    }

    /// A model's id or alias.
    func modelName() -> String {
        string(
            length: 1...256, allowed: "a model's name (visible ASCII without space, quotes, and any of @ , < > & \\)",
            where: Names.isModel)
    }

    /// The absolute path of a file. Where files are validated, it must be readable.
    func file() -> String {
        let path = string(length: 1...4096, allowed: "the path of a file")
        guard !path.isEmpty else { return "" }
        let absolute = ConfigurationFile.resolve(path, in: decoding.directory)
        if decoding.validatesFiles, let obstacle = ConfigurationFile.obstacle(toReading: absolute) {
            fail("\(Quoting.excerpt(absolute)) cannot be read: \(obstacle)")
        }
        return absolute
    }

    /// The absolute path of a directory that is there, or will be made.
    func directory() -> String {
        let path = string(length: 1...4096, allowed: "the path of a directory")
        guard !path.isEmpty else { return "" }
        let absolute = ConfigurationFile.resolve(path, in: decoding.directory)
        if decoding.validatesFiles, let obstacle = ConfigurationFile.obstacle(toDirectory: absolute) {
            fail("\(Quoting.excerpt(absolute)) cannot be used: \(obstacle)")
        }
        return absolute
    }

    /// The name of an environment variable (POSIX.1 §8.1).
    func environmentVariable() -> String {
        string(length: 1...128, allowed: "the name of an environment variable such as VLLM_API_KEY") { text in
            text.utf8.allSatisfy { Names.isLetter($0) || Names.isDigit($0) || $0 == UInt8(ascii: "_") }
                && text.utf8.first.map(Names.isDigit) == false
        }
    }

    /// A SHA-256 digest in hexadecimal, given back in lower case.
    func sha256() -> String {
        string(length: 64...64, allowed: "a SHA-256 digest, 64 hexadecimal digits") { text in
            text.unicodeScalars.allSatisfy { JSON5Reader.hexadecimalDigit($0) != nil }
        }.lowercased()
    }
}

/// The rules of names.
enum Names {
    /// `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
    static func isLabel(_ text: String) -> Bool {
        let dash = UInt8(ascii: "-")
        let bytes = text.utf8
        return (1...63).contains(bytes.count) && bytes.first != dash && bytes.last != dash
            && bytes.allSatisfy { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == dash }
    }

    /// A federation's name, or a domain: labels, with dots between them.
    static func isFederation(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLabel(String($0)) }
    }

    /// Model names stand in URLs, headers and pages, and `model@site` is a way of asking for one.
    static func isModel(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"'`@,<>&\\".utf8.contains($0) }
    }

    /// Visible ASCII: what may stand in a header's value or a token.
    static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

    /// A UUID with its hyphens (RFC 9562 §4).
    static func isUUID(_ text: String) -> Bool {
        text.utf8.count == 36
            && text.utf8.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index)
                    ? byte == UInt8(ascii: "-") : JSON5Reader.hexadecimalDigit(UnicodeScalar(byte)) != nil
            }
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
