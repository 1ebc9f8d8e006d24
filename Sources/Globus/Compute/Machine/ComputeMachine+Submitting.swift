extension ComputeMachine {
    /// The queue to submit from next, and when.
    ///
    /// The first task of a quiet time goes at once (but for the moment in which others may join it). The fuller the window, the
    /// wider the pace: seconds between submits are what an even use of the rest of the window allows, less the time that passes
    /// anyway before the next task arrives. So nobody ever meets a window that is empty for long (docs/globus-compute.md).
    func submitDue() -> (queue: QueueKey, at: UInt64)? {
        guard queuedCount > 0,
            let room = window.available(keeping: settings.pollReserve, for: .poll, and: oweQuestion, now: now)
        else { return nil }
        let earliest = max(room, blockedUntil, lastSubmit.adding(seconds: paceSeconds))
        var best: (queue: QueueKey, at: UInt64, task: UInt64)?
        for (key, queue) in queues where queue.inFlight < settings.submitsInFlight {
            guard let first = queue.waiting.first, let task = tasks[first] else { continue }
            let isFull = queue.waiting.count >= settings.tasksPerSubmit
            let ready = isFull ? task.arrivedAt : task.arrivedAt.adding(seconds: settings.coalesceSeconds)
            let at = max(earliest, ready, queue.notBefore, now)
            if let found = best, (found.at, found.task) < (at, first) { continue }
            best = (key, at, first)
        }
        return best.map { ($0.queue, $0.at) }
    }

    /// Seconds between two submits as of now.
    var paceSeconds: Double {
        var demand = demand
        let arrivals = demand.perSecond(at: now)
        guard arrivals > 0 else { return 0 }
        return max(0, window.evenSeconds(since: lastSubmit, keeping: settings.pollReserve, for: .poll) - 1 / arrivals)
    }

    /// Sends what the queue's first task may be sent with.
    mutating func submit(_ key: QueueKey) {
        guard let waiting = queues[key]?.waiting, let first = waiting.first, let lead = tasks[first] else { return }
        // 1. Choose: in order, of one share, within the limits.
        var chosen: [UInt64] = []
        var bytes = 512 + 3 * (key.endpointConfig?.utf8.count ?? 0)
        bytes += 3 * (key.resourceSpecification?.utf8.count ?? 0) + 3 * (key.userRuntime?.utf8.count ?? 0)
        var functions: [SubmitBatch.Function] = []
        var places: [String: Int] = [:]
        for number in waiting {
            guard chosen.count < settings.tasksPerSubmit else { break }
            guard let task = tasks[number], let arguments = task.arguments, task.share == lead.share else { continue }
            let more = task.bytes + (places[task.function] == nil ? task.function.utf8.count + 8 : 0)
            guard chosen.isEmpty || bytes + more <= settings.submitBytes else { break }
            bytes += more
            chosen.append(number)
            if let place = places[task.function] {
                functions[place].arguments.append(arguments)
            } else {
                places[task.function] = functions.count
                functions.append(.init(function: task.function, arguments: [arguments]))
            }
        }
        // 2. Take it out of the queue and the budget.
        let request = newRequest(.submit(key, tasks: chosen, sentAt: now))
        let taken = Set(chosen)
        queues[key]?.waiting.removeAll { taken.contains($0) }
        queues[key]?.inFlight += 1
        queues[key]?.usedAt = now
        queuedCount -= chosen.count
        endpoints[key.endpoint]?.queued -= chosen.count
        endpoints[key.endpoint]?.outstanding += chosen.count
        for number in chosen {
            tasks[number]?.state = .submitting(request: request)
            tasks[number]?.sentAt = now
        }
        window.take(.submit, at: now)
        lastSubmit = now
        counters.submits += 1
        endpoints[key.endpoint]?.submits += 1
        directives.append(
            .submit(
                request: request,
                SubmitBatch(queue: key, taskGroup: queues[key]?.taskGroup, functions: functions)))
    }

    /// Seconds that an order for this endpoint would wait now.
    func queueDelaySeconds(of endpoint: String) -> Double {
        let even = window.evenSeconds(since: lastSubmit, keeping: settings.pollReserve, for: .poll)
        let ahead = queues.values.reduce(0) { $0 + $1.waiting.count / max(settings.tasksPerSubmit, 1) }
        let room = window.available(keeping: settings.pollReserve, for: .poll, and: oweQuestion, now: now) ?? now
        let held = queues.reduce(UInt64(0)) { $1.key.endpoint == endpoint ? max($0, $1.value.notBefore) : $0 }
        let next = max(room, blockedUntil, held, lastSubmit.adding(seconds: paceSeconds))
        return max(next.seconds(since: now), settings.coalesceSeconds) + Double(ahead) * max(even, 0)
    }
}
