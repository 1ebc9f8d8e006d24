extension ComputeMachine {
    /// Something else is to be asked of the service: an endpoint's status, a registration. It waits its turn in the same budget:
    /// after submits and polls, but not for longer than a window or two.
    mutating func onQuestion(now: UInt64) throws(ComputeFailure) -> (number: UInt64, [ComputeDirective]) {
        begin(now)
        guard questions.count < settings.questionsAllowed else {
            throw ComputeFailure(.queueFull, "Too much is asked of Globus Compute here.", retryAfterSeconds: 10)
        }
        lastRequest += 1
        let number = lastRequest
        questions.append((number, self.now))
        return (number, finish())
    }

    /// Requests that submits and polls leave free, since a question has waited for a whole window.
    var oweQuestion: Int {
        guard let first = questions.first else { return 0 }
        return now >= first.since + window.length ? 1 : 0
    }

    func questionDue() -> UInt64? {
        guard let first = questions.first else { return nil }
        let leavesRoom = window.available(3, keeping: settings.pollReserve, for: .poll, now: now) ?? .max
        let anyRoom = window.available(keeping: 0, for: .poll, now: now) ?? .max
        let at = min(leavesRoom, max(anyRoom, first.since + window.length))
        return max(at, blockedUntil, now)
    }

    mutating func ask() {
        guard !questions.isEmpty else { return }
        window.take(.question, at: now)
        counters.questions += 1
        directives.append(.ask(question: questions.removeFirst().number))
    }
}
