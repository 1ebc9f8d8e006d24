import Transport

extension Generation {
    /// The answer in one piece, after the time that all its tokens take.
    func whole() async throws(TransportError) {
        try await waitForToken(0)
        noteFirstToken()
        try await waitForToken(max(request.tokens - 1, 0))
        server.metrics.generationTokens += request.tokens * request.choices
        let isChat = request.kind == .chat
        var answer = opening(
            id: server.nextIdentifier(isChat ? "chatcmpl" : "cmpl"), object: isChat ? "chat.completion" : "text_completion")
        answer += "\"choices\":["
        for choice in 0..<request.choices {
            if choice > 0 { answer += "," }
            let words = "\"\(text.text(tokens: request.tokens, choice: choice, after: request.written))\""
            let content = isChat ? "\"message\":{\"role\":\"assistant\",\"content\":\(words)}" : "\"text\":\(words)"
            answer += "{\"index\":\(choice),\(content),\"logprobs\":null,\"finish_reason\":\"\(finishReason)\"}"
        }
        answer += "],\"usage\":\(usage)}"
        await exchange.respond(status: 200, contentType: "application/json", body: answer)
        noteEnd(finishReason)
    }

    /// The vectors, after the time to first token.
    func embed() async throws(TransportError) {
        try await waitForToken(0)
        noteFirstToken()
        var answer = opening(id: server.nextIdentifier("embd"), object: "list") + "\"data\":["
        for (index, hash) in request.inputHashes.enumerated() {
            if index > 0 { answer += "," }
            let vector = Embedding.vector(inputHash: hash, dimensions: request.dimensions)
            let numbers = request.wantsBase64 ? Embedding.base64(vector) : Embedding.array(vector)
            answer += "{\"object\":\"embedding\",\"index\":\(index),\"embedding\":\(numbers)}"
        }
        answer += "],\"usage\":\(usage)}"
        await exchange.respond(status: 200, contentType: "application/json", body: answer)
        noteEnd("stop")
    }
}
