import Gossip
import Testing
import Transport

@testable import Routing

/// What a hedged request leaves in its receipt, and that it replays.
@Suite struct HedgeReceiptTests {
    private let now: UInt64 = 1_000_000_000_000
    private let needs = RequestNeeds(model: "m")
    private let choice = Choice()
    private static let upstream = Upstream(target: HostPort(host: "127.0.0.1", port: 1), tls: nil)

    private func routes(_ sites: Int = 4, slots: Int = 8, running: Int = 0) -> ModelRoutes {
        let candidates = (0..<sites).map { index in
            let candidate = Candidate(
                node: NodeID(site: "s\(index)", node: "n1"), isLocal: false, nodeState: .alive, isDraining: false,
                variant: Variant(id: "m", state: .running, backend: "openai"), load: LiveLoad())
            candidate.load.update(slots: slots, running: running, waiting: 0, now: now - 1_000_000_000)
            return candidate
        }
        return ModelRoutes(id: "m", candidates: candidates, targets: candidates.map { _ in .peer(Self.upstream) })
    }

    private func begun(_ routes: ModelRoutes) -> Router.Progress {
        var progress = Router.Progress(ReceiptTrail())
        progress.receipt.begin(
            requestID: "r", user: "", entry: NodeID(site: "e", node: "e1"), needs: needs, candidates: routes.candidates,
            at: 0,
            now: now)
        return progress
    }

    private enum Way: CaseIterable {
        case secondWins, firstWins, secondRefuses, secondFails, firstFails, bothFail, firstRefuses
    }

    @Test(arguments: Way.allCases, UInt64(0)..<20)
    private func itReplays(way: Way, seed: UInt64) throws {
        let routes = routes()
        var progress = begun(routes)
        var random = SplitMix64(seed: seed)
        let step = try #require(
            progress.receipt.next(&progress.journey, choice, for: needs, now: now, random: &random))
        let hedge = Hedge(rule: HedgeRule(), routes: routes, step: step, after: 1, journey: progress.journey)
        hedge.exchange(&progress.receipt)
        let second = try #require(hedge.pick(choice, needs, now: now + 1, random: &random))
        #expect(second.index != step.index)
        hedge.isMade()
        #expect(hedge.pick(choice, needs, now: now + 2, random: &random) == nil, "one more, and no third")
        let failure = Attempt.failed(RoutingFailure(.unreachable, status: 502, "gone"))
        var attempt = Attempt.answered
        switch way {
        case .secondWins: hedge.takesOver(second.index, .outrun, now: now + 2)
        case .firstWins: hedge.lost(.outrun, now: now + 2)
        case .secondRefuses:
            hedge.lost(.refused, now: now + 2)
            attempt = failure
        case .secondFails:
            hedge.lost(.failed("gone"), now: now + 2)
            attempt = failure
        case .firstFails: hedge.takesOver(second.index, .failed("gone"), now: now + 2)
        case .bothFail:
            hedge.takesOver(second.index, .failed("gone"), now: now + 2)
            attempt = failure
        case .firstRefuses:
            hedge.lost(.failed("gone"), now: now + 2)
            attempt = .refused(retryAfterSeconds: 3)
        }
        let index = hedge.settle(&progress, &attempt, now: now + 3)
        let isSeconds = [.secondWins, .firstFails, .bothFail].contains(way)
        #expect(index == (isSeconds ? second.index : step.index))
        #expect((progress.receipt.reason == .hedged) == isSeconds)
        progress.receipt.ended(attempt, now: now + 3)
        if case .failed = attempt {
            progress.journey.failed(index)
            // Neither is asked again.
            while let next = progress.receipt.next(&progress.journey, choice, for: needs, now: now + 4, random: &random) {
                #expect(next.index != step.index)
                #expect(next.index != second.index || way == .secondRefuses)
                progress.receipt.ended(.failed(RoutingFailure(.unreachable, status: 502, "gone")), now: now + 5)
                progress.journey.failed(next.index)
            }
        }
        progress.receipt.outcome = "answered"
        let receipt = progress.receipt.receipt(choice)
        let decision = try #require(receipt.decision)
        #expect(decision.replaysTheSame)
        #expect(decision.steps.map { $0.hedge ?? false }.prefix(2) == [false, true])
        #expect(decision.steps.allSatisfy { $0.picked == nil || !$0.ended.isEmpty })
        let read = try Receipt(json: Array(try #require(receipt.json).utf8))
        #expect(read == receipt && read.decision?.replaysTheSame == true)
        #expect(progress.receipt.isTroubled, "such a one is kept")
    }

    /// All else is full, or is not another node's: nothing of the second choice is left in the receipt.
    @Test(arguments: [true, false]) func whereThereIsNoOther(isFull: Bool) throws {
        let routes = isFull ? routes(slots: 8, running: 8) : routes(1)
        if isFull { routes.candidates[0].load.update(slots: 8, running: 0, waiting: 0, now: now) }
        var progress = begun(routes)
        var random = SplitMix64(seed: 3)
        let step = try #require(
            progress.receipt.next(&progress.journey, choice, for: needs, now: now, random: &random))
        let hedge = Hedge(rule: HedgeRule(), routes: routes, step: step, after: 1, journey: progress.journey)
        hedge.exchange(&progress.receipt)
        if isFull {
            for candidate in routes.candidates { candidate.load.update(slots: 1, running: 9, waiting: 9, now: now + 1) }
        }
        #expect(hedge.pick(choice, needs, now: now + 1, random: &random) == nil)
        var attempt = Attempt.answered
        #expect(hedge.settle(&progress, &attempt, now: now + 2) == step.index)
        progress.receipt.ended(attempt, now: now + 2)
        let decision = try #require(progress.receipt.receipt(choice).decision)
        #expect(decision.steps.count == 1 && decision.replaysTheSame)
        #expect(decision.steps[0].ended == "answered")
    }
}
