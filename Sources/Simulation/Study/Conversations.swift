import Gossip

/// Which requests go on with what was said before.
struct Conversations {
    private struct Conversation {
        var id: Int
        var entry: Int
        /// Tokens said so far.
        var tokens: Double
    }

    private let model: Workload.Prefixes?
    private var open: [Conversation] = []
    private var begun = 0

    init(_ model: Workload.Prefixes?) { self.model = model }

    /// Makes a request the next turn of an open conversation, at whose site it comes in, or the first of a new one.
    ///
    /// Lengths stay as they were drawn, so that they are as the trace has them; what of a prompt was sent before is at most the part
    /// that the trace's prompts share, and what was said.
    mutating func assign(_ request: inout StudySetting.Request, _ random: inout SeededGenerator) {
        guard let model else { return }
        let goesOn = random.unit() < model.share
        let part = random.within(model.part)
        let index = open.isEmpty ? nil : Int.random(in: open.indices, using: &random)
        if goesOn, let index {
            request.conversation = open[index].id
            request.prefix = min(request.input * part, open[index].tokens)
            open[index].tokens = max(open[index].tokens, request.input + request.output)
            request.entry = open[index].entry
            return
        }
        request.conversation = begun
        let one = Conversation(id: begun, entry: request.entry, tokens: request.input + request.output)
        begun += 1
        if open.count < model.conversations { open.append(one) } else if let index { open[index] = one }
    }
}
