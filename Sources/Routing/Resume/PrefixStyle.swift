import Gossip

/// How a server is asked to go on with the text of an assistant.
enum PrefixStyle: Sendable, Equatable {
    /// It goes on with a last message of role assistant by itself.
    case lastMessage
    /// It does so where `continue_final_message` asks for it.
    case fields

    /// By the server's engine, which its site declares or which was observed; nil: it is not known to be able to.
    ///
    /// llama.cpp: `common_chat_params` takes a last message of role assistant as prefill (tried with the server of the tests).
    /// vLLM: `continue_final_message` and `add_generation_prompt` of its chat completions.
    init?(engine: String?) {
        switch engine?.lowercased() {
        case "llama.cpp", "llamacpp": self = .lastMessage
        case "vllm", "simulated": self = .fields
        default: return nil
        }
    }
}

extension Variant {
    /// How its server is asked to go on with an answer; nil: it cannot be.
    var prefixStyle: PrefixStyle? {
        // What a FIRST gateway has behind it is not told.
        backend == "first" ? nil : PrefixStyle(engine: engine.value ?? (backend == "simulated" ? "simulated" : nil))
    }

    /// Whether another is the same model, as far as both are known: what the one wrote, the other may go on with.
    func isSame(as other: Variant) -> Bool {
        func agree(_ one: Fact<String>, _ other: Fact<String>) -> Bool {
            guard let one = one.value, let other = other.value else { return true }
            return one == other
        }
        return id == other.id && agree(repository, other.repository) && agree(revision, other.revision)
            && agree(dtype, other.dtype)
    }
}
