extension ComputeMachine {
    /// A task is wanted. It waits in the queue of its endpoint and configuration.
    mutating func onOrder(_ order: ComputeOrder, now: UInt64) throws(ComputeFailure) -> (number: UInt64, [ComputeDirective])
    {
        begin(now)
        // 1. Refuse what cannot be held.
        let bytes = Self.sentBytes(order.arguments)
        guard bytes + Self.bodyBytes(order) <= settings.submitBytes else {
            throw ComputeFailure(
                .tooLarge, "The request is \(bytes) bytes for Globus Compute, which takes \(settings.submitBytes).")
        }
        guard queuedCount < settings.queuedTasks, tasks.count < settings.heldTasks,
            heldBytes + bytes <= settings.heldBytes
        else {
            counters.refused += 1
            throw ComputeFailure(
                .queueFull, "Too many requests wait for Globus Compute here.",
                retryAfterSeconds: max(1, Int(queueDelaySeconds(of: order.endpoint).rounded(.up))))
        }
        // 2. Queue it.
        let key = QueueKey(
            endpoint: order.endpoint, endpointConfig: order.endpointConfig,
            resourceSpecification: order.resourceSpecification, userRuntime: order.userRuntime)
        let lifetime = min(max(order.deadlineSeconds, 0), settings.longestDeadlineSeconds)
        lastNumber += 1
        let task = TaskEntry(
            number: lastNumber, queue: key, function: order.function, arguments: order.arguments, bytes: bytes,
            arrivedAt: self.now, deadlineAt: self.now.adding(seconds: lifetime))
        tasks[task.number] = task
        heldBytes += bytes
        counters.orders += 1
        earliestDeadline = min(earliestDeadline, task.deadlineAt)
        enqueue(task.number, first: false)
        // 3. Count it as demand, unless it will go with one that was counted: what matters is how often a submit is wanted.
        let counted = queues[key]?.countedAt
        if counted.map({ self.now.seconds(since: $0) >= 0.1 }) ?? true {
            demand.count(at: self.now)
            queues[key]?.countedAt = self.now
        }
        return (task.number, finish())
    }

    /// A callback told that the function runs: it is never submitted again.
    mutating func onStarted(_ number: UInt64, now: UInt64) -> [ComputeDirective] {
        begin(now)
        guard let task = tasks[number], !task.isStarted else { return finish() }
        tasks[number]?.isStarted = true
        forgetArguments(number)
        if task.state == .queued {
            // It waits for a second submission, and the first runs after all.
            if let reason = task.reason, reason != .released {
                end(number, reason)
            } else {
                withdraw(task)
                tasks[number]?.state = .unnamed
                endpoints[task.queue.endpoint]?.outstanding += 1
            }
        }
        return finish()
    }

    /// The answer came whole by a callback. Its result is fetched when it is no trouble, and thrown away.
    mutating func onSettled(_ number: UInt64, now: UInt64) -> [ComputeDirective] {
        begin(now)
        if let task = tasks[number], task.state != .queued, !task.isSettled {
            tasks[number]?.isSettled = true
            endpoints[task.queue.endpoint]?.outstanding -= 1
        }
        release(number, keepSeconds: settings.settledKeepSeconds)
        return finish()
    }

    /// A callback told that the function has sent all: what its result says is waited for.
    mutating func onEnding(_ number: UInt64, now: UInt64) -> [ComputeDirective] {
        begin(now)
        tasks[number]?.isEnding = true
        tasks[number]?.nextPollAt = now
        return finish()
    }

    /// Nobody waits for it any more. There is no way to cancel what was submitted.
    mutating func onGivenUp(_ number: UInt64, now: UInt64) -> [ComputeDirective] {
        begin(now)
        release(number, keepSeconds: settings.longestDeadlineSeconds)
        return finish()
    }

    private mutating func release(_ number: UInt64, keepSeconds: Double) {
        guard let task = tasks[number] else { return }
        switch task.state {
        case .queued, .unnamed: end(number, .released)
        case .submitting, .outstanding:
            tell(number, .released)
            forgetArguments(number)
            tasks[number]?.keepUntil = min(task.keepUntil, now.adding(seconds: keepSeconds))
            tasks[number]?.nextPollAt = max(task.nextPollAt, now.adding(seconds: settings.lazyPollSeconds))
            earliestDeadline = min(earliestDeadline, tasks[number]?.keepUntil ?? .max)
        }
    }

    /// Puts a task into its queue: a new one last, one that failed first.
    mutating func enqueue(_ number: UInt64, first: Bool) {
        guard let key = tasks[number]?.queue else { return }
        tasks[number]?.state = .queued
        queues[key, default: SubmitQueue()].usedAt = now
        if first { queues[key]?.waiting.insert(number, at: 0) } else { queues[key]?.waiting.append(number) }
        queuedCount += 1
        endpoints[key.endpoint, default: EndpointActivity()].queued += 1
        endpoints[key.endpoint]?.usedAt = now
    }

    /// Bytes of a text within a JSON string in ASCII, at most: what is not ASCII counts as its longest escape.
    static func sentBytes(_ text: String) -> Int {
        var text = text
        return text.withUTF8 { bytes in
            bytes.reduce(4) { sum, byte in
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), 10, 13, 9: sum + 2
                case 0..<32, 127: sum + 6
                case 128...: sum + 3
                default: sum + 1
                }
            }
        }
    }

    /// Bytes of a submit's body besides the arguments, at most.
    static func bodyBytes(_ order: ComputeOrder) -> Int {
        512 + sentBytes(order.function) + 3 * (order.endpointConfig?.utf8.count ?? 0)
            + 3 * (order.resourceSpecification?.utf8.count ?? 0) + 3 * (order.userRuntime?.utf8.count ?? 0)
    }
}
