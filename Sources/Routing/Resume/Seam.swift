/// Where the text of one site ends and that of the next begins.
///
/// Space at the end of what was delivered is not given to the next site: many chat templates strip it, and a token is seldom split
/// before a space. The site writes it again, which is then not sent twice. Text is as it stands in JSON between quotes.
struct Seam {
    /// What is still to be written again: spaces, tabs and line ends.
    private var space: ArraySlice<UInt8>

    init(_ space: [UInt8]) { self.space = space[...] }

    /// What of new text follows what the client has.
    mutating func join(_ content: [UInt8]) -> [UInt8] {
        var at = 0
        while let wanted = space.first, let (character, length) = Self.spaceCharacter(content[at...]), character == wanted {
            space.removeFirst()
            at += length
        }
        // Other text: whatever was to come again does not.
        if at < content.count { space = [] }
        return Array(content[at...])
    }

    /// The space that text ends with, its escapes decoded, and its length in the text.
    static func trailingSpace(_ text: [UInt8]) -> (space: [UInt8], bytes: Int) {
        var space: [UInt8] = []
        var end = text.count
        while end > 0 {
            if text[end - 1] == 0x20 {
                space.append(0x20)
                end -= 1
            } else if end >= 2, let character = escapedSpace(text[end - 1]), backslashes(before: end - 1, in: text) % 2 == 1
            {
                space.append(character)
                end -= 2
            } else {
                break
            }
        }
        return (space.reversed(), text.count - end)
    }

    /// Whether text is nothing but space.
    static func isSpace(_ content: UnsafeRawBufferPointer) -> Bool {
        var rest = Array(content)[...]
        while let (_, length) = spaceCharacter(rest) { rest = rest.dropFirst(length) }
        return rest.isEmpty
    }

    private static func spaceCharacter(_ text: ArraySlice<UInt8>) -> (UInt8, Int)? {
        guard let first = text.first else { return nil }
        if first == 0x20 { return (0x20, 1) }
        guard first == 0x5C, let second = text.dropFirst().first, let character = escapedSpace(second) else { return nil }
        return (character, 2)
    }

    private static func escapedSpace(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "r"): 13
        case UInt8(ascii: "t"): 9
        default: nil
        }
    }

    private static func backslashes(before end: Int, in text: [UInt8]) -> Int {
        var count = 0
        while count < end, text[end - 1 - count] == 0x5C { count += 1 }
        return count
    }
}
