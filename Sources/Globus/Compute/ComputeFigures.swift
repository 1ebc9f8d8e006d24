/// What one client id does at Globus Compute, for metrics and for the site's gossiped load.
public struct ComputeFigures: Sendable, Equatable {
    public var endpoints: [String: EndpointFigures] = [:]
    public var counters = ComputeCounters()
    /// Requests of any kind in the current window, and how many it may have.
    public var windowUsed = 0
    public var windowAllowed = 0
    /// Seconds until which everything waits since the service said 429.
    public var blockedSeconds = 0.0

    public init() {}
}

/// What waits and runs at one endpoint.
public struct EndpointFigures: Sendable, Equatable {
    /// Tasks not yet submitted.
    public var queued = 0
    /// Tasks submitted whose end is not known.
    public var outstanding = 0
    public var submits: UInt64 = 0
    /// Seconds from order to submission, of tasks accepted in the last minute.
    public var lastWaitSeconds: Double?
    public var medianWaitSeconds: Double?
    /// How long an order given now would wait to be submitted.
    public var queueDelaySeconds = 0.0

    public init() {}
}

/// Sums since the start.
public struct ComputeCounters: Sendable, Equatable {
    public var orders: UInt64 = 0
    public var submits: UInt64 = 0
    public var polls: UInt64 = 0
    public var questions: UInt64 = 0
    public var results: UInt64 = 0
    public var failed: UInt64 = 0
    public var lost: UInt64 = 0
    public var pastDeadline: UInt64 = 0
    public var refused: UInt64 = 0
    public var released: UInt64 = 0
    public var resubmissions: UInt64 = 0
    /// Answers of status 429.
    public var throttled: UInt64 = 0

    public init() {}
}
