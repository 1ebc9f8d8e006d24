/// The tasks of one client id at Globus Compute: when each is submitted, asked for and given up. A value without clock, network
/// or randomness of its own: each handler is told what happened and when (monotonic nanoseconds), and returns what is to be
/// done, in order.
///
/// Invariants: in no window more requests than allowed, of all kinds together; a task's outcome is told once; a task that may
/// have started is not submitted again, and none more than twice; after its end nothing of a task is kept.
struct ComputeMachine: Sendable {
    let settings: ComputeSettings
    var now: UInt64 = 0
    var jitter: JitterGenerator
    var window: RequestWindow
    var demand = ArrivalRate()

    var tasks: [UInt64: TaskEntry] = [:]
    var numbers: [String: UInt64] = [:]
    var queues: [QueueKey: SubmitQueue] = [:]
    var requests: [UInt64: Request] = [:]
    var questions: [(number: UInt64, since: UInt64)] = []
    var endpoints: [String: EndpointActivity] = [:]
    var lastNumber: UInt64 = 0
    var lastRequest: UInt64 = 0

    var queuedCount = 0
    var heldBytes = 0
    /// No later than the first deadline of any task.
    var earliestDeadline = UInt64.max
    var lastSubmit: UInt64 = 0
    /// The whole client holds back until then: the service said 429.
    var blockedUntil: UInt64 = 0
    var throttles = 0

    var lastPoll: UInt64 = 0
    var isPolling = false
    var pollFailures = 0
    var pollNotBefore: UInt64 = 0
    /// Ids in one poll: halved when an answer was too long, or told that one of many is unknown.
    var pollLimit: Int
    /// No later than the first task's next poll.
    var nextPoll = UInt64.max

    var counters = ComputeCounters()
    var directives: [ComputeDirective] = []

    enum Request: Sendable {
        case submit(QueueKey, tasks: [UInt64], sentAt: UInt64)
        case poll(tasks: [UInt64])
    }

    init(settings: ComputeSettings, seed: UInt64) {
        let settings = settings.sound
        self.settings = settings
        jitter = JitterGenerator(seed: seed)
        window = RequestWindow(
            allowed: settings.requestsPerWindow, seconds: settings.windowSeconds + settings.windowMarginSeconds)
        pollLimit = settings.tasksPerPoll
    }

    /// Time has passed. Call it at `nextTick`, or at any other time.
    mutating func onTick(now: UInt64) -> [ComputeDirective] {
        begin(now)
        return finish()
    }

    /// When `onTick` is to be called at the latest; nil: when something else happens.
    var nextTick: UInt64? {
        var next = earliestDeadline
        if let due = submitDue()?.at { next = min(next, due) }
        if let due = pollDue() { next = min(next, due) }
        if let due = questionDue() { next = min(next, due) }
        return next == .max ? nil : next
    }

    // MARK: - Common to all handlers

    mutating func begin(_ now: UInt64) {
        self.now = max(self.now, now)
        window.forget(at: self.now)
    }

    /// Sends what is due and hands out what is to be done.
    mutating func finish() -> [ComputeDirective] {
        // 1. What is over.
        expireTasks()
        // 2. Submits first, then the poll, then questions; none of them starves, since each leaves room to the others.
        while let due = submitDue(), due.at <= now { submit(due.queue) }
        if let due = pollDue(), due <= now { poll() }
        while let due = questionDue(), due <= now { ask() }
        defer { directives = [] }
        return directives
    }

    mutating func newRequest(_ request: Request) -> UInt64 {
        lastRequest += 1
        requests[lastRequest] = request
        return lastRequest
    }

    /// Seconds to wait after so many failures in a row: doubled each time, with jitter.
    mutating func backoff(_ failures: Int) -> Double {
        let doubled = settings.backoffSeconds * Double(1 << min(max(failures - 1, 0), 20))
        return min(doubled, settings.longestBackoffSeconds) * (0.5 + jitter.unit() / 2)
    }

    // MARK: - A task's end

    /// Tells the outcome, unless it was told.
    mutating func tell(_ number: UInt64, _ outcome: ComputeOutcome) {
        guard let task = tasks[number], !task.isReleased else { return }
        tasks[number]?.isReleased = true
        directives.append(.finish(task: number, outcome))
        switch outcome {
        case .result: counters.results += 1
        case .failed: counters.failed += 1
        case .lost: counters.lost += 1
        case .deadline: counters.pastDeadline += 1
        case .refused: counters.refused += 1
        case .released: counters.released += 1
        }
    }

    /// Tells the outcome and keeps nothing.
    mutating func end(_ number: UInt64, _ outcome: ComputeOutcome) {
        tell(number, outcome)
        guard let task = tasks.removeValue(forKey: number) else { return }
        if task.arguments != nil { heldBytes -= task.bytes }
        if let id = task.id { numbers[id] = nil }
        if task.state == .queued {
            withdraw(task)
        } else if !task.isSettled {
            endpoints[task.queue.endpoint]?.outstanding -= 1
        }
    }

    mutating func forgetArguments(_ number: UInt64) {
        guard let task = tasks[number], task.arguments != nil else { return }
        tasks[number]?.arguments = nil
        heldBytes -= task.bytes
    }

    mutating func withdraw(_ task: TaskEntry) {
        queues[task.queue]?.waiting.removeAll { $0 == task.number }
        queuedCount -= 1
        endpoints[task.queue.endpoint]?.queued -= 1
    }

    private mutating func expireTasks() {
        guard now >= earliestDeadline else { return }
        for task in tasks.values.filter({ now >= $0.endsAt }).sorted(by: { $0.number < $1.number }) {
            if case .submitting = task.state {
                // Its place in the submit's answer is still needed.
                tell(task.number, .deadline)
                forgetArguments(task.number)
            } else {
                end(task.number, .deadline)
            }
        }
        earliestDeadline = tasks.values.reduce(.max) { min($0, $1.endsAt) }
        forgetIdleQueues()
    }

    /// A queue or an endpoint that nothing was heard of for ten minutes is forgotten, with its task group.
    mutating func forgetIdleQueues() {
        for (key, queue) in queues
        where queue.waiting.isEmpty && queue.inFlight == 0 && now.seconds(since: queue.usedAt) > 600 {
            queues[key] = nil
        }
        for (id, activity) in endpoints where activity.isIdle && now.seconds(since: activity.usedAt) > 600 {
            endpoints[id] = nil
        }
    }
}
