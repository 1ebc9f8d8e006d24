import CLinux
import Synchronization

/// What this node's own requests showed of an endpoint, beside what its status says a minute late.
final class OwnObservation: Sendable {
    private struct State {
        var succeededAt: UInt64 = 0
        var failedAt: UInt64 = 0
        var failuresInARow = 0
    }

    private let state = Mutex(State())

    func succeeded() {
        let now = mesh_monotonic_ns()
        state.withLock {
            $0.succeededAt = now
            $0.failuresInARow = 0
        }
    }

    func failed() {
        let now = mesh_monotonic_ns()
        state.withLock {
            $0.failedAt = now
            $0.failuresInARow += 1
        }
    }

    /// As it is judged by.
    var summary: EndpointJudgement.Own {
        let now = mesh_monotonic_ns()
        return state.withLock {
            EndpointJudgement.Own(
                failuresInARow: $0.failuresInARow, sinceSuccess: $0.succeededAt == 0 ? nil : now &- $0.succeededAt,
                sinceFailure: $0.failedAt == 0 ? nil : now &- $0.failedAt)
        }
    }
}
