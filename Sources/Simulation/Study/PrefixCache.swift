/// What an inference server still holds of prompts that it has read, by conversation: the least lately used makes room.
struct PrefixCache: Sendable {
    private struct Held {
        var conversation: Int
        var tokens: Double
    }

    /// Tokens that it can hold.
    let capacity: Double
    /// The lately used last.
    private var held: [Held] = []
    private(set) var tokens = 0.0

    init(capacity: Double) { self.capacity = capacity }

    /// How many of a prompt's first tokens it holds, which makes them lately used.
    mutating func use(_ conversation: Int, prefix: Double) -> Double {
        guard let index = held.lastIndex(where: { $0.conversation == conversation }) else { return 0 }
        let one = held.remove(at: index)
        held.append(one)
        return min(one.tokens, prefix)
    }

    /// Holds a conversation up to at least so many tokens from now on.
    mutating func keep(_ conversation: Int, tokens least: Double) {
        var count = least
        if let index = held.lastIndex(where: { $0.conversation == conversation }) {
            let before = held.remove(at: index).tokens
            tokens -= before
            count = max(count, before)
        }
        guard count <= capacity else { return }
        held.append(Held(conversation: conversation, tokens: count))
        tokens += count
        var gone = 0
        while tokens > capacity {
            tokens -= held[gone].tokens
            gone += 1
        }
        held.removeFirst(gone)
    }

    mutating func empty() {
        held = []
        tokens = 0
    }
}
