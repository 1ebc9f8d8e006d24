extension ComputeMachine {
    /// The service has taken a submit.
    mutating func onSubmitted(_ request: UInt64, _ reply: SubmitReply, now: UInt64) -> [ComputeDirective] {
        begin(now)
        guard case .submit(let key, let numbers, let sentAt)? = requests.removeValue(forKey: request) else {
            return finish()
        }
        // 1. The queue is well.
        throttles = 0
        queues[key]?.inFlight -= 1
        queues[key]?.failures = 0
        queues[key]?.startRefusedSince = nil
        keepGroup(reply.taskGroup, of: key, tasks: numbers.count)
        // 2. Each task's id: by function, then by place.
        var functions: [String] = []
        var members: [String: [UInt64]] = [:]
        for number in numbers {
            guard let function = tasks[number]?.function else { continue }
            if members[function] == nil { functions.append(function) }
            members[function, default: []].append(number)
        }
        let isOurs = reply.endpoint.map { $0.lowercased() == key.endpoint.lowercased() } ?? true
        for function in functions {
            let asked = members[function] ?? []
            let ids = reply.tasks[function] ?? reply.tasks[function.lowercased()] ?? []
            if isOurs, ids.count == asked.count, areNew(ids) {
                for (number, id) in zip(asked, ids) { accept(number, id, sentAt: sentAt) }
            } else {
                let failure = ComputeFailure(
                    .protocolViolation, "Globus Compute answered a submission with task ids that do not fit it.",
                    detail: "endpoint \(key.endpoint), function \(function): \(ids.count) ids for \(asked.count) tasks")
                directives.append(.log("\(failure.message) (\(failure.detail ?? ""))"))
                for number in asked { end(number, .refused(failure)) }
            }
        }
        return finish()
    }

    private mutating func accept(_ number: UInt64, _ id: String, sentAt: UInt64) {
        guard let task = tasks[number] else { return }
        tasks[number]?.state = .outstanding(id: id)
        tasks[number]?.acceptedAt = now
        tasks[number]?.omissions = 0
        tasks[number]?.hadUnauthorized = false
        tasks[number]?.isSuspect = false
        numbers[id] = number
        let wait = task.isReleased ? settings.lazyPollSeconds : settings.youngPollSeconds
        tasks[number]?.nextPollAt = now.adding(seconds: wait)
        nextPoll = min(nextPoll, now.adding(seconds: wait))
        earliestDeadline = min(earliestDeadline, tasks[number]?.endsAt ?? .max)
        if task.isStarted || task.resubmissions > 0 { forgetArguments(number) }
        guard !task.isReleased else { return }
        let waited = sentAt.seconds(since: task.arrivedAt)
        endpoints[task.queue.endpoint]?.waits.add(waited, at: now)
        directives.append(.accepted(task: number, id: id, waitedSeconds: waited, resubmissions: task.resubmissions))
    }

    /// Ids must be of a sane length, different, and not known.
    private func areNew(_ ids: [String]) -> Bool {
        Set(ids).count == ids.count
            && ids.allSatisfy { (1...128).contains($0.utf8.count) && numbers[$0] == nil }
    }

    /// A task group is used again, until it has many tasks.
    private mutating func keepGroup(_ group: String?, of key: QueueKey, tasks count: Int) {
        guard let group, (1...128).contains(group.utf8.count) else { return }
        if queues[key]?.taskGroup != group { queues[key]?.groupTasks = 0 }
        queues[key]?.taskGroup = group
        queues[key]?.groupTasks += count
        if let queue = queues[key], queue.groupTasks >= 10_000 { queues[key]?.taskGroup = nil }
    }
}
