extension ComputeMachine {
    /// When to poll; nil while nothing is outstanding or a poll is under way.
    func pollDue() -> UInt64? {
        guard !isPolling, nextPoll < .max else { return nil }
        let room = pollRoom
        guard room < .max else { return nil }
        return max(nextPoll, lastPoll.adding(seconds: pollPaceSeconds), pollNotBefore, blockedUntil, room, now)
    }

    /// Seconds between polls: what submits leave of the window, spread evenly. Polls always have their reserve.
    var pollPaceSeconds: Double {
        var demand = demand
        let expected = demand.perSecond(at: now) * settings.windowSeconds
        let allowed = Double(window.allowed)
        let submits = min(
            max(expected + expected.squareRoot(), Double(settings.submitReserve)), allowed - Double(settings.pollReserve))
        return window.length.seconds(since: 0) / max(allowed - submits, 1)
    }

    /// When the window has room for a poll: beyond the reserve one place is left to a submit that waits.
    private var pollRoom: UInt64 {
        let polls = window.entries.filter { $0.kind == .poll }
        let anyRoom = window.available(keeping: 0, for: .poll, now: now) ?? .max
        guard polls.count >= settings.pollReserve else { return anyRoom }
        let withRoom =
            window.available(keeping: 0, for: .poll, and: (queuedCount > 0 ? 1 : 0) + oweQuestion, now: now) ?? .max
        guard settings.pollReserve > 0 else { return withRoom }
        return min(withRoom, max(anyRoom, polls[polls.count - settings.pollReserve].at + window.length))
    }

    /// Asks for all outstanding tasks, those first that have waited longest for it.
    mutating func poll() {
        let due = tasks.values.filter { $0.id != nil }.sorted { ($0.nextPollAt, $0.number) < ($1.nextPollAt, $1.number) }
        guard let first = due.first, first.nextPollAt <= now else {
            nextPoll = due.first?.nextPollAt ?? .max
            return
        }
        let chosen = first.isSuspect ? [first] : Array(due.lazy.filter { !$0.isSuspect }.prefix(pollLimit))
        isPolling = true
        lastPoll = now
        window.take(.poll, at: now)
        counters.polls += 1
        let request = newRequest(.poll(tasks: chosen.map(\.number)))
        directives.append(.poll(request: request, tasks: chosen.compactMap(\.id)))
    }

    /// The answer to a poll.
    mutating func onPolled(_ request: UInt64, _ reports: [TaskReport], now: UInt64) -> [ComputeDirective] {
        begin(now)
        guard case .poll(let asked)? = requests.removeValue(forKey: request) else { return finish() }
        isPolling = false
        pollFailures = 0
        throttles = 0
        if asked.count >= pollLimit { pollLimit = min(pollLimit * 2, settings.tasksPerPoll) }
        // 1. Results first: the service may have forgotten them already.
        var told: Set<UInt64> = []
        var toResubmit: [(UInt64, ComputeOutcome)] = []
        for report in reports {
            guard let number = numbers[report.id], told.insert(number).inserted else { continue }
            switch report.state {
            case .succeeded(let result): end(number, .result(result, report.details))
            case .unreadable(let reason): end(number, .failed(reason, report.details))
            case .failed(let text, let isWorkerLost):
                if isWorkerLost {
                    toResubmit.append((number, .failed(text, report.details)))
                } else {
                    end(number, .failed(text, report.details))
                }
            case .pending: stillPending(number)
            }
        }
        for (number, outcome) in toResubmit { resubmit(number, or: outcome) }
        // 2. What was not told.
        for number in asked where !told.contains(number) { omitted(number) }
        scheduleNextPoll()
        return finish()
    }

    private mutating func stillPending(_ number: UInt64) {
        guard let task = tasks[number] else { return }
        let next = now.adding(seconds: pollInterval(of: task))
        tasks[number]?.omissions = 0
        tasks[number]?.isSuspect = false
        tasks[number]?.polledAt = now
        tasks[number]?.nextPollAt = next
    }

    /// Seconds to the next poll for a task, by its age. One whose callback tells of its end needs none but for safety.
    private func pollInterval(of task: TaskEntry) -> Double {
        if task.isReleased { return settings.lazyPollSeconds }
        if task.isEnding { return settings.youngPollSeconds }
        let age = now.seconds(since: task.acceptedAt)
        if task.isStarted { return age < 60 ? settings.oldPollSeconds / 2 : settings.oldPollSeconds }
        if age < 10 { return settings.youngPollSeconds }
        if age < 60 { return settings.pollSeconds }
        return min(max(2 * settings.pollSeconds, age / 30), settings.oldPollSeconds)
    }

    /// The service did not tell of it: pending, and lost when that lasts.
    private mutating func omitted(_ number: UInt64) {
        guard let task = tasks[number], task.id != nil else { return }
        if task.omissions == 0 { tasks[number]?.omittedSince = now }
        tasks[number]?.omissions += 1
        tasks[number]?.polledAt = now
        let interval = task.isSuspect ? 6 : pollInterval(of: task)
        tasks[number]?.nextPollAt = now.adding(seconds: interval)
        guard task.omissions + 1 > settings.lostAfterPolls,
            now.seconds(since: tasks[number]?.omittedSince ?? now) > settings.lostAfterSeconds
        else { return }
        resubmit(number, or: .lost("Globus Compute no longer knows the task."))
    }

    mutating func scheduleNextPoll() {
        nextPoll = tasks.values.reduce(.max) { $1.id == nil ? $0 : min($0, $1.nextPollAt) }
    }

    mutating func pollFailed(_ asked: [UInt64], _ failure: CallFailure) {
        isPolling = false
        pollFailures += 1
        switch failure.kind {
        case .tooLong, .status(413):
            if asked.count > 1 {
                pollLimit = max(1, asked.count / 2)
                pollFailures = 0
            } else if let number = asked.first, failure.kind == .tooLong {
                end(
                    number,
                    .failed("MaxResultSizeExceeded(\(settings.pollAnswerBytes), \(settings.resultCharacters))", .init()))
                pollFailures = 0
            }
        case .status(404), .status(400):
            pollFailures = 0
            if asked.count > 1 {
                pollLimit = max(1, asked.count / 2)
            } else if let number = asked.first {
                tasks[number]?.isSuspect = true
                omitted(number)
            }
        case .status(429): throttle(failure.retryAfterSeconds)
        default: break
        }
        // A new token is tried at once, but only one.
        let isFirstUnauthorized = failure.kind == .status(401) && pollFailures == 1
        if pollFailures > 0, !isFirstUnauthorized {
            pollNotBefore = now.adding(seconds: max(backoff(pollFailures), min(failure.retryAfterSeconds ?? 0, 60)))
        }
        scheduleNextPoll()
    }
}
