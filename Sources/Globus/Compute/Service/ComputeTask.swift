import Synchronization

/// One task's life. All methods may be called from any thread.
public final class ComputeTask: Sendable {
    /// Of one service, never used twice.
    public let number: UInt64
    private let service: ComputeService
    private let state = Mutex(State())

    private struct State {
        var outcome: ComputeOutcome?
        var waiters: [CheckedContinuation<ComputeOutcome, Never>] = []
        var id: String?
        var waited: Duration?
        var resubmissions = 0
    }

    init(number: UInt64, service: ComputeService) {
        self.number = number
        self.service = service
    }

    /// How it ended: waits for its result, its failure, its deadline, or that it is settled or given up.
    /// Cancelling the caller does not end the wait: `giveUp` does.
    public func outcome() async -> ComputeOutcome {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state in
                if state.outcome == nil { state.waiters.append(continuation) }
                return state.outcome
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// A callback told that the function runs: it is never submitted again.
    public func started() { service.tell { machine, now in machine.onStarted(self.number, now: now) } }

    /// A callback told that the function has sent all: its result is fetched soon.
    public func ending() { service.tell { machine, now in machine.onEnding(self.number, now: now) } }

    /// A callback brought the whole answer: nothing need be fetched in a hurry. The outcome is `.released`.
    public func settled() { service.tell { machine, now in machine.onSettled(self.number, now: now) } }

    /// Nobody waits any more: it is withdrawn if it was not submitted. The outcome is `.released`.
    public func giveUp() { service.tell { machine, now in machine.onGivenUp(self.number, now: now) } }

    /// From the order to the submission; nil before the service has taken it.
    public var waitedForSubmission: Duration? { state.withLock { $0.waited } }
    /// The service's id; nil before it has taken the task.
    public var taskID: String? { state.withLock { $0.id } }
    public var resubmissions: Int { state.withLock { $0.resubmissions } }

    func accepted(id: String, waitedSeconds: Double, resubmissions: Int) {
        state.withLock { state in
            state.id = id
            state.waited = .nanoseconds(Int64(min(max(waitedSeconds, 0), 1e8) * 1e9))
            state.resubmissions = resubmissions
        }
    }

    func finish(_ outcome: ComputeOutcome) {
        let waiters = state.withLock { state in
            guard state.outcome == nil else { return [CheckedContinuation<ComputeOutcome, Never>]() }
            state.outcome = outcome
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }
}
