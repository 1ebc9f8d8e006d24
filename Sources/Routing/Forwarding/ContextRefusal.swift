import CLinux
import Gossip

/// A server's word that a prompt is too long for its variant of a model: only a server counts tokens, what a node knows is an estimate.
enum ContextRefusal {
    /// Of OpenAI (`code`) and FIRST's vLLM; of llama.cpp (`type`); what vLLM, and what SGLang says in its message.
    private static let words: [StaticString] = [
        "context_length_exceeded", "exceed_context_size", "maximum context length", "model's context length",
    ]

    /// Whether an answer is one.
    static func isOne(status: Int, _ body: UnsafeRawBufferPointer) -> Bool {
        guard status == 400 || status == 413 else { return false }
        return words.contains { memmem(body.baseAddress, body.count, $0.utf8Start, $0.utf8CodeUnitCount) != nil }
    }

    /// As a failure that another place may make good; the answer itself where none can.
    static func failure(status: Int, _ body: UnsafeRawBufferPointer, site: String) -> RoutingFailure {
        var failure = RoutingFailure(
            .contextTooShort, status: status, "the prompt is too long for the variant at site \(site)")
        failure.answer = (status, "application/json", Array(body))
        return failure
    }
}

extension ModelRoutes {
    /// Whether a place may hold more than this one. Where its own context is not known, any other may.
    func mayHoldMore(than candidate: Candidate) -> Bool {
        candidates.count > 1
            && (candidate.variant.contextTokens.value == nil || longestContext > candidate.mostContextTokens)
    }
}

extension RequestNeeds {
    /// Longer than this place's context, as its server has said.
    mutating func isTooLong(for candidate: Candidate) {
        let most = 1 << 40
        contextTokens = max(contextTokens, min(candidate.variant.contextTokens.value ?? 0, most) + 1)
    }
}
