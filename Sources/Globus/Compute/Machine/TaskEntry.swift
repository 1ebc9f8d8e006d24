/// One task, from its order to its end.
struct TaskEntry: Sendable {
    enum State: Sendable, Equatable {
        /// In its queue, for the first or the second time.
        case queued
        case submitting(request: UInt64)
        case outstanding(id: String)
        /// It may run, but the answer that would have named it did not come, and it has told that it started.
        case unnamed
    }

    let number: UInt64
    let queue: QueueKey
    let function: String
    /// nil when it can no longer be submitted again.
    var arguments: String?
    /// Bytes of the arguments as they are sent.
    let bytes: Int
    let arrivedAt: UInt64
    let deadlineAt: UInt64

    var state = State.queued
    /// The outcome was told; what is left is to fetch the result, so that it does not pile up.
    var isReleased = false
    /// The latest moment to keep it, when released.
    var keepUntil = UInt64.max
    var isStarted = false
    /// A callback told that all was sent: its result is there, or will be in a moment.
    var isEnding = false
    /// A callback told that it is over: it is no load any more.
    var isSettled = false
    var resubmissions = 0
    var failedAttempts = 0
    var hadUnauthorized = false
    /// Tasks submitted together failed together: only those of one share are sent together from then on.
    var share: UInt64?
    var sentAt: UInt64 = 0
    /// Why it waits for a second submission; told if that cannot be.
    var reason: ComputeOutcome?

    // While outstanding.
    var acceptedAt: UInt64 = 0
    var polledAt: UInt64 = 0
    var nextPollAt: UInt64 = 0
    /// Polls in a row whose answer did not name it, and since when.
    var omissions = 0
    var omittedSince: UInt64 = 0
    /// The service said of it alone that it does not exist: never polled with others.
    var isSuspect = false

    /// When it is given up by itself.
    var endsAt: UInt64 {
        if case .submitting = state, isReleased { return .max }
        return min(deadlineAt, keepUntil)
    }

    /// The service's id, while it is known.
    var id: String? {
        if case .outstanding(let id) = state { return id }
        return nil
    }
}

/// Tasks of one key that wait to be submitted.
struct SubmitQueue: Sendable {
    /// Numbers of tasks, next first.
    var waiting: [UInt64] = []
    var inFlight = 0
    /// After a failure.
    var notBefore: UInt64 = 0
    var failures = 0
    var taskGroup: String?
    /// Tasks submitted to the group; a new one is begun now and then.
    var groupTasks = 0
    var startRefusedSince: UInt64?
    var usedAt: UInt64 = 0
    /// The last arrival that was counted as a demand for a submit.
    var countedAt: UInt64?
}
