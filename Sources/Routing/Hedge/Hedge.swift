import Gossip
import Transport

/// What a try may become where hedging is on: one more attempt at the next-best place, should the first byte be long in coming.
///
/// The choice is made by the journey as if the first place had failed, so that it stands in the receipt as a choice like any other.
/// An object, of one worker: the attempt on the way works on it.
final class Hedge {
    /// A second attempt on its way.
    struct Flight {
        let connection: HTTPClientConnection
        let candidate: Candidate
        let index: Int
        let wait: FirstByteWait
    }

    let rule: HedgeRule
    let routes: ModelRoutes
    let step: Journey.Step
    /// Nanoseconds after which the first byte is late.
    let after: UInt64
    private var journey: Journey
    /// The request's own, while the try lasts.
    private(set) var receipt = ReceiptTrail()
    /// A second attempt was made, or cannot be.
    private(set) var isSpent = false
    /// Where the request is since the first place lost it.
    private(set) var taken: Int?
    /// Mark of the first attempt, once there was a second.
    private var firstMark: Int?
    /// How the second ended, where that says something of its place.
    private var secondEnd: ReceiptTrail.End?

    init(rule: HedgeRule, routes: ModelRoutes, step: Journey.Step, after: UInt64, journey: Journey) {
        self.rule = rule
        self.routes = routes
        self.step = step
        self.after = after
        self.journey = journey
    }

    /// Lends it the receipt, or gives it back.
    func exchange(_ receipt: inout ReceiptTrail) { swap(&receipt, &self.receipt) }

    /// The next-best place, once; nil: none that has room and is another node.
    func pick(
        _ choice: Choice, _ needs: RequestNeeds, now: UInt64, random: inout SplitMix64
    ) -> (index: Int, candidate: Candidate, upstream: Upstream)? {
        guard !isSpent else { return nil }
        isSpent = true
        var branch = journey
        branch.failed(step.index)
        let marks = receipt.markCount
        guard let next = receipt.next(&branch, choice, for: needs, now: now, random: &random), receipt.markCount > marks
        else {
            receipt.takeBack(to: marks)
            return nil
        }
        guard !next.queues, next.index != step.index, case .peer(let upstream) = routes.targets[next.index] else {
            receipt.takeBack(to: marks)
            return nil
        }
        return (next.index, routes.candidates[next.index], upstream)
    }

    /// The second attempt does not come about after all.
    func isOff() { receipt.takeBack(to: receipt.markCount - 1) }

    /// It is on its way.
    func isMade() {
        receipt.hedged()
        receipt.tries += 1
        firstMark = receipt.markCount - 2
    }

    /// The second attempt is over, and the first goes on.
    func lost(_ end: ReceiptTrail.End, now: UInt64) {
        secondEnd = end
        receipt.ended(end, mark: receipt.markCount - 1, now: now)
    }

    /// The first attempt is over, and the second goes on.
    func takesOver(_ index: Int, _ end: ReceiptTrail.End, now: UInt64) {
        taken = index
        if let firstMark { receipt.ended(end, mark: firstMark, now: now) }
        receipt.site = routes.candidates[index].node.siteName
        receipt.reason = .hedged
    }

    /// Gives the receipt back, and tells the journey what it does not know yet.
    ///
    /// - Returns: the candidate whose attempt this is.
    func settle(_ progress: inout Router.Progress, _ attempt: inout Attempt, now: UInt64) -> Int {
        exchange(&progress.receipt)
        guard let firstMark else { return step.index }
        if let taken {
            progress.journey.failed(step.index)
            return taken
        }
        // The choice of the second was made as if the first had failed: that stays so.
        if case .refused(let seconds) = attempt {
            attempt = .failed(
                RoutingFailure(.overloaded, status: 503, "it refused when it was late", retryAfterSeconds: seconds))
        }
        progress.receipt.ended(ReceiptTrail.End(attempt), mark: firstMark, now: now)
        guard let second = progress.receipt.picked(firstMark + 1) else { return step.index }
        switch secondEnd {
        case .refused: progress.journey.refused(second.index)
        case .failed: progress.journey.failed(second.index)
        default: break
        }
        return step.index
    }

    /// What the answer's fields say where the second attempt has it.
    func origin(_ first: AnswerOrigin, now: UInt64) -> AnswerOrigin {
        guard let taken else { return first }
        let candidate = routes.candidates[taken]
        return AnswerOrigin(
            site: candidate.node.siteName, variant: candidate.variantText, reason: .hedged, tries: receipt.tries,
            candidates: first.candidates, ageSeconds: candidate.load.sample().ageSeconds(now: now))
    }
}
