/// Words in an order that a prompt decides: the same prompt gives the same text at every server, on every machine.
struct MadeUpText {
    private let hash: UInt64

    init(promptHash: UInt64) { hash = promptHash }

    /// One token of one choice, with the space before it.
    func token(_ index: Int, choice: Int) -> String {
        let drawn = Hash.mix(hash &+ UInt64(choice) &* 0xd1b5_4a32_d192_ed03 &+ UInt64(index) &* 0x9e37_79b9_7f4a_7c15)
        let word = Self.words[Int(drawn % UInt64(Self.words.count))]
        return index == 0 ? word : " " + word
    }

    /// How far a text has been written.
    struct Written {
        /// Whole tokens, and the one that was broken off.
        var tokens = 0
        /// What that one still lacks.
        var rest: String?
    }

    /// How far the first choice's text is written by `prefix`; nil where that is another text.
    func written(_ prefix: String) -> Written? {
        var left = prefix.utf8[...]
        var written = Written()
        while !left.isEmpty {
            let token = token(written.tokens, choice: 0).utf8
            written.tokens += 1
            guard left.starts(with: token) else {
                guard token.starts(with: left) else { return nil }
                written.rest = String(token.dropFirst(left.count))
                return written
            }
            left = left.dropFirst(token.count)
        }
        return written
    }

    /// One token of one choice behind what was written before.
    func token(_ index: Int, choice: Int, after written: Written) -> String {
        guard let rest = written.rest else { return token(written.tokens + index, choice: choice) }
        return index == 0 ? rest : token(written.tokens + index - 1, choice: choice)
    }

    func text(tokens: Int, choice: Int, after written: Written = Written()) -> String {
        var text = ""
        for index in 0..<tokens { text += token(index, choice: choice, after: written) }
        return text
    }

    /// Nothing in them needs an escape in JSON.
    static let words = [
        "a", "after", "also", "and", "answer", "at", "away", "beam", "before", "between", "blue", "bridge", "bright", "by",
        "calm",
        "clear", "cloud", "cold", "counts", "crystal", "deep", "each", "early", "energy", "every", "far", "field", "finds",
        "first",
        "for", "from", "garden", "gives", "glass", "gold", "green", "grows", "here", "high", "holds", "in", "into", "is",
        "it", "knows",
        "lake", "last", "leaves", "light", "long", "many", "measure", "meets", "moon", "more", "mountain", "moves", "near",
        "never",
        "night", "of", "often", "on", "one", "open", "over", "paper", "path", "plain", "pulse", "quiet", "rain", "red",
        "river", "road",
        "runs", "sample", "sea", "sees", "shows", "silver", "small", "so", "soft", "some", "spring", "star", "stays",
        "stone", "summer",
        "sun", "takes", "that", "the", "then", "there", "through", "time", "to", "tree", "turns", "under", "until", "wave",
        "while",
        "white", "wide", "wind", "window", "winter", "with", "world", "year",
    ]
}
