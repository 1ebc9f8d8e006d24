/// When a request is sent to a second place while the first has not begun to answer (Dean and Barroso, "The tail at scale", 2013).
public struct HedgeRule: Sendable, Equatable {
    /// Longest prompt, estimated: work done twice is to be little work.
    public var promptTokens: Int
    /// Of all requests, at most this part is sent twice.
    public var share: Double

    /// The most that `share` may be: above that the second attempts are load that makes the first ones slow.
    public static let mostShare = 0.02

    /// That part of first bytes comes sooner than the second attempt goes out.
    static let quantile = 0.95
    /// Never sooner; nanoseconds.
    static let soonest: UInt64 = 10_000_000

    public init(promptTokens: Int = 1024, share: Double = HedgeRule.mostShare) {
        self.promptTokens = promptTokens
        self.share = share
    }
}
