import Gossip
import Testing

@testable import Routing

@Suite struct JourneyTests {
    private let needs = RequestNeeds(model: "m")

    /// Sites of four slots each, of which so many are taken.
    private func candidates(_ running: [Int], local: Int? = nil) -> [Candidate] {
        running.enumerated().map { index, running in
            let load = LiveLoad()
            if index == local {
                load.set(slots: 4, running: running, waiting: 0)
            } else {
                load.update(slots: 4, running: running, waiting: 0, now: 1_000)
            }
            return Candidate(
                node: NodeID(site: "s\(index)", node: "n1"), isLocal: index == local, nodeState: .alive, isDraining: false,
                variant: Variant(id: "m", state: .running, backend: "openai"), load: load)
        }
    }

    private func next(_ journey: inout Journey, _ candidates: [Candidate]) -> Journey.Step? {
        var random = SplitMix64(seed: 3)
        return journey.next(Choice(), candidates, for: needs, now: 2_000, random: &random)
    }

    @Test func eachPlaceRefusesOnceAndThenTheRequestWaits() throws {
        let candidates = candidates(Array(repeating: 0, count: 8))
        var journey = Journey()
        var seen: Set<Int> = []
        for refusal in 0..<journey.limits.refusals {
            let step = try #require(next(&journey, candidates))
            #expect(!step.queues && seen.insert(step.index).inserted)
            #expect(step.reason == (refusal == 0 ? .spill : .bounce))
            candidates[step.index].load.update(slots: 4, running: 4, waiting: refusal, now: 1_500)
            journey.refused(step.index)
        }
        let last = try #require(next(&journey, candidates))
        #expect(last.queues)
        #expect(journey.tries == journey.limits.refusals + 1)
        #expect(journey.refusals == journey.limits.refusals)
    }

    @Test func whereAllRefuseTheShortestLineIsTaken() throws {
        let candidates = candidates([0, 0, 0])
        var journey = Journey()
        for waiting in [7, 1, 4] {
            let step = try #require(next(&journey, candidates))
            #expect(!step.queues)
            candidates[step.index].load.update(slots: 4, running: 4, waiting: waiting, now: 1_500)
            journey.refused(step.index)
        }
        let step = try #require(next(&journey, candidates))
        #expect(step.queues)
        #expect(candidates[step.index].load.sample().waiting == 1)
    }

    @Test func failuresGiveWayThreeTimes() throws {
        let candidates = candidates(Array(repeating: 0, count: 8), local: 0)
        var journey = Journey()
        var seen: Set<Int> = []
        for failure in 0..<4 {
            let step = try #require(next(&journey, candidates))
            #expect(step.reason == (failure == 0 ? .home : .failover))
            #expect(seen.insert(step.index).inserted)
            journey.failed(step.index)
        }
        #expect(next(&journey, candidates) == nil)
    }

    @Test func fullPlacesAreNotAskedInVain() throws {
        let candidates = candidates([4, 4, 4])
        var journey = Journey()
        let step = try #require(next(&journey, candidates))
        #expect(step.queues && journey.refusals == 0)
    }
}
