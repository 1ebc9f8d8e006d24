import Transport

extension Generation {
    /// The answer as it comes: server-sent events as OpenAI streams them, a token an event.
    ///
    /// Nothing is sent before the first token, so that the first byte tells the time to it.
    ///
    /// - Parameter breakingOff: end in the middle without a word, as a server that crashes.
    func stream(breakingOff: Bool) async throws(TransportError) {
        let isChat = request.kind == .chat
        let id = server.nextIdentifier(isChat ? "chatcmpl" : "cmpl")
        let opening =
            "data: " + opening(id: id, object: isChat ? "chat.completion.chunk" : "text_completion") + "\"choices\":["
        let closing = request.includesUsage ? "],\"usage\":null}\n\n" : "]}\n\n"
        let breakAt = breakingOff ? request.tokens / 2 : Int.max

        func event(_ choice: Int, _ content: String, _ finish: String = "null") -> String {
            opening + "{\"index\":\(choice),\(content),\"logprobs\":null,\"finish_reason\":\(finish)}" + closing
        }

        try await waitForToken(0)
        noteFirstToken()
        exchange.startAnswer(200)
        exchange.field("Content-Type", "text/event-stream; charset=utf-8")
        exchange.field("Cache-Control", "no-cache")
        exchange.endFields(.streamed)
        var piece = ""
        if isChat {
            for choice in 0..<request.choices {
                piece += event(choice, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}")
            }
        }
        var sent = 0
        while sent < request.tokens {
            try await waitForToken(sent)
            let due = tokensDue(sent: sent, of: request.tokens)
            for index in sent..<due where index < breakAt {
                for choice in 0..<request.choices {
                    let word = text.token(index, choice: choice, after: request.written)
                    piece += event(choice, isChat ? "\"delta\":{\"content\":\"\(word)\"}" : "\"text\":\"\(word)\"")
                }
            }
            server.metrics.generationTokens += (min(due, breakAt) - sent) * request.choices
            sent = due
            try await exchange.write(piece)
            piece = ""
            if sent >= breakAt {
                server.metrics.end("error")
                return exchange.stream.close()
            }
        }
        for choice in 0..<request.choices {
            piece += event(choice, isChat ? "\"delta\":{}" : "\"text\":\"\"", "\"\(finishReason)\"")
        }
        if request.includesUsage { piece += opening + "],\"usage\":\(usage)}\n\n" }
        try await exchange.write(piece + "data: [DONE]\n\n")
        try await exchange.finishAnswer()
        noteEnd(finishReason)
    }
}
