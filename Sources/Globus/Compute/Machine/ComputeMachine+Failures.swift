extension ComputeMachine {
    /// A submit or a poll brought no answer, or one that says no.
    mutating func onFailed(_ request: UInt64, _ failure: CallFailure, now: UInt64) -> [ComputeDirective] {
        begin(now)
        switch requests.removeValue(forKey: request) {
        case .submit(let key, let numbers, _):
            queues[key]?.inFlight -= 1
            submitFailed(key, numbers, failure)
        case .poll(let numbers): pollFailed(numbers, failure)
        case nil: break
        }
        return finish()
    }

    /// The service said 429 to anything: everything waits.
    mutating func onThrottled(_ retryAfterSeconds: Double?, now: UInt64) -> [ComputeDirective] {
        begin(now)
        throttle(retryAfterSeconds)
        return finish()
    }

    mutating func throttle(_ retryAfterSeconds: Double?) {
        throttles += 1
        counters.throttled += 1
        let wait = max(backoff(throttles + 1), min(retryAfterSeconds ?? 0, settings.longestRetryAfterSeconds))
        blockedUntil = max(blockedUntil, now.adding(seconds: wait))
    }

    private mutating func submitFailed(_ key: QueueKey, _ numbers: [UInt64], _ failure: CallFailure) {
        // 1. Whoever ended meanwhile is done with.
        let numbers = numbers.filter { tasks[$0] != nil }
        for number in numbers where tasks[number]?.isReleased == true { end(number, .released) }
        let left = numbers.filter { tasks[$0] != nil }
        guard !left.isEmpty else { return }
        // 2. What the answer asks for.
        let verdict = SubmitVerdict(failure, endpoint: key.endpoint)
        switch verdict {
        case .again: retry(left, key, failure)
        case .uncertain:
            queues[key]?.failures += 1
            delay(key, seconds: backoff(queues[key]?.failures ?? 1))
            for number in left.reversed() {
                resubmit(number, or: .lost("The connection to Globus Compute broke while the request was submitted."))
            }
        case .newToken(let refusal):
            for number in left.reversed() {
                if tasks[number]?.hadUnauthorized == true {
                    end(number, .refused(refusal))
                } else {
                    tasks[number]?.hadUnauthorized = true
                    requeue(number)
                }
            }
        case .later:
            throttle(failure.retryAfterSeconds)
            for number in left.reversed() { requeue(number) }
        case .newGroup:
            queues[key]?.taskGroup = nil
            retry(left, key, failure)
        case .startRefused(let refusal): startRefused(left, key, refusal)
        case .tooLarge(let refusal):
            guard left.count > 1 else { return refuse(left, refusal) }
            let half = Set(left.prefix(left.count / 2))
            separate(left, by: { half.contains($0) ? 0 : 1 })
        case .refused(let refusal):
            let known = tasks
            let functions = Set(left.compactMap { known[$0]?.function }).sorted()
            guard functions.count > 1 else { return refuse(left, refusal) }
            // One of the functions may be at fault: each by itself then.
            separate(left, by: { number in functions.firstIndex { $0 == known[number]?.function } ?? 0 })
        case .refusedAll(let refusal): refuse(left, refusal)
        }
    }

    private mutating func refuse(_ numbers: [UInt64], _ refusal: ComputeFailure) {
        if let number = numbers.first, let task = tasks[number] {
            directives.append(
                .log(
                    "endpoint \(task.queue.endpoint), function \(task.function): \(refusal.message) (\(refusal.detail ?? ""))"
                ))
        }
        for number in numbers { end(number, .refused(refusal)) }
    }

    /// Once more after a while, unless it has failed too often.
    private mutating func retry(_ numbers: [UInt64], _ key: QueueKey, _ failure: CallFailure) {
        queues[key]?.failures += 1
        let wanted = min(failure.retryAfterSeconds ?? 0, settings.longestRetryAfterSeconds)
        delay(key, seconds: max(backoff(queues[key]?.failures ?? 1), wanted))
        for number in numbers.reversed() {
            tasks[number]?.failedAttempts += 1
            if tasks[number]?.failedAttempts ?? 0 >= settings.submitAttempts {
                end(number, .refused(SubmitVerdict.unavailable(failure)))
            } else {
                requeue(number)
            }
        }
    }

    /// An old process of the user endpoint seems alive, by its file: it is over within three heartbeats.
    private mutating func startRefused(_ numbers: [UInt64], _ key: QueueKey, _ refusal: ComputeFailure) {
        let since = queues[key]?.startRefusedSince ?? now
        queues[key]?.startRefusedSince = since
        guard now.seconds(since: since) < settings.startRetrySeconds else {
            queues[key]?.startRefusedSince = nil
            return refuse(numbers, refusal)
        }
        delay(key, seconds: 10)
        for number in numbers.reversed() { requeue(number) }
    }

    /// Puts tasks back so that each part is submitted by itself.
    private mutating func separate(_ numbers: [UInt64], by part: (UInt64) -> Int) {
        let first = lastRequest
        lastRequest += UInt64(numbers.count)
        for number in numbers.reversed() {
            tasks[number]?.share = first + UInt64(part(number)) + 1
            requeue(number)
        }
    }

    private mutating func delay(_ key: QueueKey, seconds: Double) {
        let until = now.adding(seconds: seconds)
        if let queue = queues[key], queue.notBefore < until { queues[key]?.notBefore = until }
    }

    /// Back to the head of its queue. It is no longer known to the service, if it was.
    mutating func requeue(_ number: UInt64) {
        guard let task = tasks[number], task.state != .queued else { return }
        if let id = task.id { numbers[id] = nil }
        // Its callback came while it was submitted: whatever the service said of that, it runs.
        guard !task.isStarted, task.arguments != nil else {
            if let reason = task.reason { return end(number, reason) }
            tasks[number]?.state = .unnamed
            return
        }
        if !task.isSettled { endpoints[task.queue.endpoint]?.outstanding -= 1 }
        enqueue(number, first: true)
    }

    /// A second submission, if there was none and it cannot have started; else its end.
    mutating func resubmit(_ number: UInt64, or outcome: ComputeOutcome) {
        guard let task = tasks[number] else { return }
        if task.isReleased {
            end(number, outcome)
        } else if task.isStarted {
            // It runs, and its callback will tell how it ends; without an id there is nothing to ask the service for.
            guard case .submitting = task.state else { return end(number, outcome) }
            requeue(number)
        } else if task.resubmissions == 0, task.arguments != nil {
            tasks[number]?.resubmissions = 1
            if case .submitting = task.state {} else { tasks[number]?.reason = outcome }
            counters.resubmissions += 1
            requeue(number)
        } else {
            end(number, outcome)
        }
    }
}
