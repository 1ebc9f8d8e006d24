import Gossip
import Transport

extension Router {
    /// How long the first byte of an answer is waited for.
    ///
    /// - Parameters:
    ///   - time: what it takes there.
    ///   - queues: the request may stand in line there first.
    func firstByteWait(
        _ request: borrowing ForwardRequest, _ time: FirstByteTime, queues: Bool, now: UInt64
    ) -> FirstByteWait {
        let last = min(now &+ timeouts.firstByte, request.deadline)
        let tokens = request.needs.promptTokens
        var deadline = last
        if request.isStream, request.hasElsewhere {
            let patience = FirstByteRule().patience(
                time.measured, promptTokens: tokens, line: queues ? timeouts.queue : 0, configured: timeouts.firstByte)
            deadline = min(now &+ patience, last)
        }
        // What stood in line says little of the server, and what came from another node tells nothing of its prompt.
        let tells = request.isStream && !queues && tokens > 0
        let isWhole = policies.hedge != nil && !request.isStream && !queues && tokens > 0
        return FirstByteWait(
            time: tells ? time : nil, whole: isWhole ? time : nil, promptTokens: tokens, began: now, deadline: deadline,
            last: last)
    }

    /// Whether a request that leaves a candidate without an answer has another one to go to, and is not waiting for one that starts.
    func hasElsewhere(
        _ request: borrowing ForwardRequest, than index: Int, _ candidates: [Candidate], _ journey: Journey, now: UInt64
    ) -> Bool {
        guard request.isStream, candidates[index].variant.state == .running,
            journey.failed.nonzeroBitCount < journey.limits.failovers
        else { return false }
        return candidates.indices.contains { other in
            other != index && journey.failed & (1 << UInt64(other)) == 0
                && choice.exclusion(of: candidates[other], for: request.needs, now: now) == nil
        }
    }

    /// Whether a wait that was too long ends now: where no try is left, it goes on for as long as is configured.
    func givesUp(_ error: TransportError, _ wait: FirstByteWait, now: UInt64) -> Bool {
        guard error.code == .timedOut, wait.deadline < wait.last, now < wait.last else { return true }
        return retries.hasAny(now: now)
    }

    /// What becomes of a wait that was too long.
    func givenUp(_ wait: FirstByteWait, site: String, now: UInt64) -> RoutingFailure {
        wait.givenUp(now: now)
        counters.firstBytesLate.increment()
        let seconds = Double((now - min(wait.began, now)) / 100_000_000) / 10
        return RoutingFailure(.unreachable, status: 504, "site \(site) gave no first byte within \(seconds) s")
    }
}
