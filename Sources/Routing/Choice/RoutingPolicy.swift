/// How a federation or a model's operator wants requests to be placed.
public enum RoutingPolicy: String, Sendable, Codable, CaseIterable {
    /// Home while it has room, or where the prompt is in a cache, else where an answer comes the soonest.
    case best
    /// At home, also in line; elsewhere only where home cannot serve.
    case home
    /// Where an answer comes the soonest, home or not.
    case latency
    /// Over all by the slots that are free, home or not.
    case spread
    /// At the sites that are named, in their order.
    case pinned
}
