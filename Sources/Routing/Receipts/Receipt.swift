/// What became of one request and why: what was there, what was taken, how each try ended.
///
/// Whoever reads it sees the candidates as they were at the first choice; `decision` holds each choice in numbers, exactly, so that it
/// can be made again (`Decision.replay`).
public struct Receipt: Sendable, Equatable {
    public var id: UInt64
    public var requestID: String
    /// Milliseconds since 1970 when the request came.
    public var at: UInt64
    public var model: String
    public var user: String
    /// The node it came to, `site/node`.
    public var entry: String
    public var site: String?
    public var reason: RouteReason?
    public var tries: Int
    public var bounces: Int
    /// `answered`, `failed: why`, `interrupted: why`, `clientGone`, which may say that the task runs on.
    public var outcome: String
    public var candidates: [Seen]
    /// nil: left out.
    public var decision: Decision?

    /// The first word of an outcome.
    public static func kind(ofOutcome outcome: String) -> String { String(outcome.prefix { $0 != ":" }) }
    /// The first words that an outcome may have.
    public static let outcomes = ["answered", "failed", "interrupted", "clientGone"]
}
