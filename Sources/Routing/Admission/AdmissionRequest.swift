/// What comes first where not all can be served at once.
public enum Priority: String, Sendable, CaseIterable {
    /// Somebody waits for the answer.
    case interactive
    /// Nobody does just now: what is done in bulk, and what asks for `service_tier: "flex"`.
    case batch
}

/// What a gate knows of a request: what stands in its head, and nothing of its body.
public struct AdmissionRequest: Sendable, Equatable {
    public var priority: Priority
    /// The site that it came to, and its user there, as keys (`key`).
    public var entry: UInt64
    public var user: UInt64
    /// Tokens that it is expected to take, prompt and answer together.
    public var tokens: Int
    /// Monotonic nanoseconds after which nobody waits for its answer.
    public var deadline: UInt64

    public init(
        priority: Priority = .interactive, entry: UInt64 = 0, user: UInt64 = 0, tokens: Int = 0, deadline: UInt64 = .max
    ) {
        self.priority = priority
        self.entry = entry
        self.user = user
        self.tokens = tokens
        self.deadline = deadline
    }

    /// A name as a key. The hash is seeded anew in each process, so that nobody can choose a name that shares another's turn.
    public static func key(_ name: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(name)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
