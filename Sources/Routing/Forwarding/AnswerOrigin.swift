/// Where an answer comes from and how the place was found: what the `X-Mesh-…` fields say.
public struct AnswerOrigin: Sendable {
    public let site: String
    /// `revision=…; dtype=…`.
    public let variant: String
    public let reason: RouteReason
    public let tries: Int
    public let candidates: Int
    /// Age of what was known of its load; nil: nothing was.
    public let ageSeconds: Double?

    /// How the place was found, as it stands in `X-Mesh-Route`.
    public var route: String {
        "reason=\(reason.rawValue); tries=\(tries); candidates=\(candidates); age=\(ageSeconds.map(Self.tenths) ?? "unknown")"
    }

    /// For a client whose answer's head has gone out without it.
    var comment: String {
        EventComment.of(["X-Mesh-Site: \(site)", "X-Mesh-Variant: \(variant)", "X-Mesh-Route: \(route)"])
    }

    private static func tenths(_ seconds: Double) -> String {
        let whole = Int(min(seconds * 10, 1e9))
        return "\(whole / 10).\(whole % 10)"
    }
}
