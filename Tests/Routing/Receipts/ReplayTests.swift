import Foundation
import Gossip
import Synchronization
import Testing

@testable import Routing

private final class Over: Sendable {
    let isSaid = Atomic<Bool>(false)
}

@Suite struct ReplayTests {
    /// Each of these seeds is so many situations.
    private static let perSeed: UInt64 = 50

    @Test(arguments: UInt64(0)..<20) func aReceiptGivesTheSamePicks(seed: UInt64) throws {
        for number in 0..<Self.perSeed {
            var situation = Situation(seed: seed * Self.perSeed + number)
            let trail = situation.run()
            let receipt = trail.receipt(situation.choice)
            let decision = try #require(receipt.decision)
            #expect(decision.steps.map(\.picked) == trail.marks.map(\.picked))
            #expect(decision.replay() == decision.steps.map(\.picked), "seed \(seed), \(number)")
            // And so it does after a way through its JSON, which changes nothing in it.
            let json = try #require(receipt.json)
            let read = try Receipt(json: Array(json.utf8))
            #expect(read == receipt)
            #expect(read.decision?.replaysTheSame == true)
        }
    }

    /// A test that replays nothing but empty journeys would prove nothing.
    @Test func theSituationsAreOfEveryKind() throws {
        var reasons: Set<RouteReason> = []
        var longest = 0
        var (queued, none, excluded) = (0, 0, 0)
        for seed in UInt64(0)..<1000 {
            var situation = Situation(seed: seed)
            let decision = try #require(situation.run().receipt(situation.choice).decision)
            longest = max(longest, decision.steps.count)
            for step in decision.steps {
                if let picked = step.picked {
                    reasons.insert(picked.reason)
                    if picked.queues { queued += 1 }
                } else {
                    none += 1
                }
                excluded += step.excluded.count { $0 != nil }
            }
        }
        #expect(reasons.isSuperset(of: [.home, .affinity, .spill, .only, .bounce, .failover, .pinned]))
        #expect(longest >= 6 && queued > 100 && none > 100 && excluded > 1000)
    }

    /// What is written down is what decides: other numbers give other picks.
    @Test func otherNumbersGiveOtherPicks() throws {
        var (changed, tried) = (0, 0)
        for seed in UInt64(0)..<1000 {
            var situation = Situation(seed: seed)
            var decision = try #require(situation.run().receipt(situation.choice).decision)
            guard let picked = decision.steps[0].picked, picked.reason == .spill, !picked.queues else { continue }
            tried += 1
            // Heard just now, and full.
            decision.steps[0].loads[picked.index]?.running += 10_000
            let now = decision.steps[0].now
            decision.steps[0].loads[picked.index]?.heard = now
            if decision.replay()[0] != picked { changed += 1 }
        }
        #expect(tried > 50 && changed == tried)
    }

    /// Loads that others change all the time: what is written down is still what was seen.
    @Test func whatIsWrittenIsWhatWasSeen() {
        let candidates = (0..<6).map { index in
            Candidate(
                node: NodeID(site: "s\(index)", node: "n1"), isLocal: false, nodeState: .alive, isDraining: false,
                variant: Variant(id: "m", state: .running, backend: "openai"), load: LiveLoad())
        }
        let now: UInt64 = 1_000_000_000_000
        let needs = RequestNeeds(model: "m")
        let isOver = Over()
        // A thread of its own: all that tasks have may be busy.
        Thread.detachNewThread {
            var random = SplitMix64(seed: 1)
            while !isOver.isSaid.load(ordering: .relaxed) {
                let load = candidates[Int(random.next() % 6)].load
                load.update(slots: 8, running: Int(random.next() % 10), waiting: 0, now: now)
            }
        }
        // As long as nothing has changed, nothing is proved.
        while candidates.contains(where: { $0.load.sample().heard == 0 }) { usleep(1000) }
        var different = 0
        for seed in UInt64(0)..<2_000 {
            var trail = ReceiptTrail()
            trail.begin(
                requestID: "r", user: "", entry: NodeID(site: "a", node: "a1"), needs: needs, candidates: candidates, at: 0,
                now: now)
            var journey = Journey()
            var random = SplitMix64(seed: seed)
            let step = trail.next(&journey, Choice(), for: needs, now: now, random: &random)
            if trail.receipt(Choice()).decision?.replay() != [step] { different += 1 }
        }
        isOver.isSaid.store(true, ordering: .relaxed)
        #expect(different == 0)
    }

    /// What is read may come from anywhere.
    @Test func whatIsNotSoundIsNotReplayed() throws {
        var situation = Situation(seed: 4)
        let good = try #require(situation.run().receipt(situation.choice).decision)
        #expect(good.isSound)
        func spoiled(_ edit: (inout Decision) -> Void) -> Decision {
            var decision = good
            edit(&decision)
            return decision
        }
        let bad = [
            spoiled { $0.version += 1 },
            spoiled { $0.steps[0].loads.append(nil) },
            spoiled { $0.steps[0].loads = [] },
            spoiled { $0.steps[0].excluded = [] },
            spoiled { $0.places += Array(repeating: $0.places[0], count: 64) },
            spoiled { $0.steps += Array(repeating: $0.steps[0], count: 40) },
            spoiled { $0.settings.loadHalfLife = 0 },
            spoiled { $0.settings.refusalSeconds = .nan },
            spoiled { $0.settings.promptTokensPerSecond = 0 },
            spoiled {
                $0.steps[0].loads = $0.places.map { _ in
                    LiveLoad.Sample(slots: 1, running: 0, waiting: 0, meanFree: .infinity)
                }
            },
            spoiled {
                let absurd = LiveLoad.Sample(slots: .min, running: .max, waiting: .max)
                $0.steps[0].loads = Array(repeating: absurd, count: $0.places.count)
            },
        ]
        for decision in bad { #expect(!decision.isSound && decision.replay().isEmpty && !decision.replaysTheSame) }
        // Numbers at the edge of what is sound are replayed without a trap.
        let edges = spoiled {
            $0.settings.loadHalfLife = 1
            $0.settings.failureRest = .max
            $0.settings.slowStart = .max
            $0.settings.meanServiceSeconds = 9e11
            $0.limits.refusals = .min
            $0.limits.failovers = .max
            $0.request.promptTokens = .min
            $0.request.answerTokens = .max
            for number in $0.steps.indices {
                for index in $0.places.indices {
                    var load = LiveLoad.Sample(slots: -(1 << 40) + 1, running: -(1 << 40) + 1, waiting: (1 << 40) - 1)
                    load.heard = index % 2 == 0 ? .max : 1
                    load.failed = index % 3 == 0 ? .max : 1
                    load.failures = -(1 << 40) + 1
                    load.roundTripSeconds = -9e14
                    load.meanFree = 9e14
                    load.meanSquare = -9e14
                    load.walltimeEnds = .max
                    load.recovered = .max
                    $0.steps[number].loads[index] = load
                }
            }
        }
        #expect(edges.isSound && edges.replay().count == edges.steps.count)
    }

    @Test func aLoadIsMadeAgainFromItsReading() {
        var random = SplitMix64(seed: 5)
        for _ in 0..<5000 {
            let load = LiveLoad()
            load.update(
                slots: Int(random.next() % 99), running: Int(random.next() % 99), waiting: 3, now: random.next() >> 8)
            load.update(slots: Int(random.next() % 99), running: 0, waiting: 1, now: .max >> 7)
            load.setRoundTrip(seconds: Double.random(in: 0...60, using: &random))
            load.failed(now: random.next())
            if random.next() % 2 == 0 { load.failed(now: random.next()) }
            load.began(now: random.next())
            if random.next() % 2 == 0 { load.succeeded(now: random.next()) }
            load.learn(walltimeEnds: random.next(), tokensPerSecond: Double.random(in: 0...99, using: &random))
            #expect(LiveLoad(load.sample()).sample() == load.sample())
        }
    }
}
