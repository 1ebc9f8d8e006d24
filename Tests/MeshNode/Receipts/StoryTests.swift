import Gossip
import Testing

@testable import MeshNode
@testable import Routing

@Suite struct StoryTests {
    private func receipt(_ edit: (inout Receipt) -> Void = { _ in }) throws -> Receipt {
        let candidates = ["alpha", "beta", "gamma"].map { site in
            let load = LiveLoad()
            load.update(
                slots: 4, running: site == "alpha" ? 4 : 1, waiting: site == "alpha" ? 8 : 0, now: 1_000_000_000)
            load.setRoundTrip(seconds: 0.012)
            return Candidate(
                node: NodeID(site: site, node: "n1"), isLocal: false, nodeState: site == "gamma" ? .dead : .alive,
                isDraining: false, variant: Variant(id: "m", state: .running, backend: "openai"), load: load)
        }
        var trail = ReceiptTrail()
        trail.begin(
            requestID: "req_7", user: "alice@example.org", entry: NodeID(site: "home", node: "h1"),
            needs: RequestNeeds(model: "m"), candidates: candidates, at: 1_764_083_176_123_000_000, now: 3_000_000_000)
        var journey = Journey()
        var random = SplitMix64(seed: 3)
        let first = try #require(
            trail.next(&journey, Choice(), for: RequestNeeds(model: "m"), now: 3_000_000_000, random: &random))
        trail.ended(.failed(RoutingFailure(.unreachable, status: 502, "site beta could not be reached")), now: 3_250_000_000)
        journey.failed(first.index)
        let second = trail.next(&journey, Choice(), for: RequestNeeds(model: "m"), now: 3_250_000_000, random: &random)
        trail.tries = 2
        trail.site = "alpha"
        trail.reason = second?.reason
        trail.outcome = "answered"
        trail.ended(.answered, now: 4_250_000_000)
        var receipt = trail.receipt(Choice())
        edit(&receipt)
        return receipt
    }

    @Test func eachChoiceIsToldWithItsNumbers() throws {
        let story = try receipt().story
        for line in [
            "receipt 0: request req_7", "alice@example.org asked home/h1 for m at 2025-11-25T15:06:16.123Z",
            "answered by alpha (failover): 2 tries, 0 refusals",
            "1. after 0.000 s to beta/n1 (spill): failed: site beta could not be reached, which took 0.250 s",
            "2. after 0.250 s to alpha/n1 (failover, to wait in line): answered, which took 1.000 s",
            ">  beta/n1", "the node is dead", "12.0 ms", "2.0 s ago",
        ] { #expect(story.contains(line), "\(line)\n\(story)") }
    }

    /// Names and messages are others': they stay on their line.
    @Test func noOneElseWritesALine() throws {
        let story = try receipt {
            $0.user = "mallory\n1. after 0.000 s to \u{1b}[2J"
            $0.outcome = "failed: a\nb\u{7}"
            $0.decision?.steps[0].ended = "failed: x\ny\u{9b}"
            $0.decision?.places[0].node = "n\n1"
        }.story
        #expect(story.split(separator: "\n").count { $0.hasPrefix("1. ") } == 1)
        #expect(!story.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0.value == 0x9b })
    }
}
