/// What one client id does at Globus Compute, for metrics and for the site's gossiped load.
public struct ComputeFigures: Sendable, Equatable {
    /// By the endpoint's UUID.
    public var endpoints: [String: EndpointFigures] = [:]
    /// Over all endpoints.
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
    /// Requests that submitted tasks since the start, each of one task or more.
    public var submits: UInt64 = 0
    /// Seconds from order to submission, of tasks accepted in the last minute.
    public var lastWaitSeconds: Double?
    /// The median of the same.
    public var medianWaitSeconds: Double?
    /// How long an order given now would wait to be submitted.
    public var queueDelaySeconds = 0.0

    public init() {}
}

/// Sums since the start.
public struct ComputeCounters: Sendable, Equatable {
    /// Tasks ordered and taken into a queue.
    public var orders: UInt64 = 0
    /// Requests that submitted tasks, each of one task or more.
    public var submits: UInt64 = 0
    /// Requests for the states of many tasks at once.
    public var polls: UInt64 = 0
    /// Other requests: endpoints' states, registrations.
    public var questions: UInt64 = 0
    /// Tasks that ended with a result.
    public var results: UInt64 = 0
    /// Tasks whose function raised, or that the agent could not run.
    public var failed: UInt64 = 0
    /// Tasks that the service no longer knows, or whose id it never told.
    public var lost: UInt64 = 0
    /// Tasks that had not ended by their deadline.
    public var pastDeadline: UInt64 = 0
    /// Orders and tasks that were not run: the queue is full, or the service refuses them.
    public var refused: UInt64 = 0
    /// Tasks that nobody waited for any more.
    public var released: UInt64 = 0
    /// Tasks submitted a second time, where they cannot have begun.
    public var resubmissions: UInt64 = 0
    /// Answers of status 429.
    public var throttled: UInt64 = 0

    public init() {}
}
