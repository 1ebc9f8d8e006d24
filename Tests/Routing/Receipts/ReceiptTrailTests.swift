import Foundation
import Gossip
import Testing

@testable import Routing

@Suite struct ReceiptTrailTests {
    private func candidates(_ count: Int, node: (Int) -> NodeState = { _ in .alive }) -> [Candidate] {
        (0..<count).map { index in
            let load = LiveLoad()
            load.update(slots: 4, running: index, waiting: 0, now: 1_000)
            return Candidate(
                node: NodeID(site: "s\(index)", node: "n1"), isLocal: false, nodeState: node(index), isDraining: false,
                variant: Variant(id: "m", state: .running, backend: "openai"), load: load)
        }
    }

    private func begun(_ candidates: [Candidate]) -> ReceiptTrail {
        var trail = ReceiptTrail()
        trail.begin(
            requestID: "req_1", user: "alice", entry: NodeID(site: "here", node: "h1"), needs: RequestNeeds(model: "m"),
            candidates: candidates, at: 1_764_083_176_123_000_000, now: 2_000)
        return trail
    }

    private func step(_ trail: inout ReceiptTrail, _ journey: inout Journey, now: UInt64 = 2_000) -> Journey.Step? {
        var random = SplitMix64(seed: 1)
        return trail.next(&journey, Choice(), for: RequestNeeds(model: "m"), now: now, random: &random)
    }

    @Test func aFailoverIsToldWhole() throws {
        var trail = begun(candidates(2))
        var journey = Journey()
        let first = try #require(step(&trail, &journey))
        trail.tries = 1
        trail.ended(.failed(RoutingFailure(.unreachable, status: 502, "it died")), now: 500_002_000)
        journey.failed(first.index)
        let second = try #require(step(&trail, &journey, now: 500_002_000))
        trail.tries = 2
        trail.site = "s\(second.index)"
        trail.reason = second.reason
        trail.outcome = "answered"
        trail.ended(.answered, now: 1_500_002_000)
        let receipt = trail.receipt(Choice())
        #expect(receipt.at == 1_764_083_176_123 && receipt.entry == "here/h1" && receipt.reason == .failover)
        let steps = try #require(receipt.decision?.steps)
        #expect(steps.map(\.ended) == ["failed: it died", "answered"])
        #expect(steps.map(\.consequence) == [.failed, .none])
        #expect(steps.map(\.afterSeconds) == [0, 0.5] && steps.map(\.tookSeconds) == [0.5, 1])
        #expect(Set(trail.triedSites) == ["s0", "s1"])
        #expect(trail.isTroubled)
    }

    @Test func whatWasOutIsNamedWithItsReason() throws {
        var trail = begun(candidates(3) { $0 == 1 ? .dead : .alive })
        var journey = Journey()
        _ = step(&trail, &journey)
        let receipt = trail.receipt(Choice())
        #expect(receipt.candidates.map(\.excluded) == [nil, "the node is dead", nil])
        #expect(receipt.candidates.map(\.state) == [.running, .disconnected, .running])
        #expect(receipt.candidates[1].score == nil && receipt.candidates[0].score ?? 0 > 0.5)
        #expect(receipt.candidates.map(\.free) == [4, 3, 2])
        let decision = try #require(receipt.decision)
        #expect(decision.steps[0].loads.map { $0 == nil } == [false, true, false])
    }

    @Test func itNamesEveryKeyAndTheUnknownIsNull() throws {
        var trail = begun(candidates(2) { _ in .dead })
        var journey = Journey()
        #expect(step(&trail, &journey) == nil)
        trail.outcome = "failed: no site runs m just now"
        let json = try #require(trail.receipt(Choice(), whole: false).json)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "id", "requestId", "at", "model", "user", "entry", "site", "reason", "tries", "bounces", "candidates",
                "outcome",
            ])
        #expect(object["site"] is NSNull && object["reason"] is NSNull)
        #expect(object["at"] as? String == "2025-11-25T15:06:16.123Z")
        let candidate = try #require((object["candidates"] as? [[String: Any]])?.first)
        #expect(candidate["score"] is NSNull && candidate["excluded"] as? String == "the node is dead")
    }

    /// Nothing that a server answered stays behind: it is the user's.
    @Test func ofAnAnswerNothingIsKept() throws {
        var trail = begun(candidates(1))
        var journey = Journey()
        _ = step(&trail, &journey)
        var failure = RoutingFailure(.unreachable, status: 500, "the server at site s0 answered 500")
        failure.answer = (500, "application/json", Array("a secret of the user".utf8))
        trail.ended(.failed(failure), now: 3_000)
        let text = "\(trail)" + (trail.receipt(Choice()).json ?? "")
        #expect(!text.contains("secret") && !text.contains("97, 32, 115"))
    }

    @Test func whatNobodyMissesIsNoTrouble() {
        func trail(_ edit: (inout ReceiptTrail) -> Void) -> ReceiptTrail {
            var trail = ReceiptTrail()
            trail.outcome = "answered"
            edit(&trail)
            return trail
        }
        #expect(!trail { _ in }.isTroubled)
        #expect(!trail { $0.bounces = 1 }.isTroubled)
        #expect(!trail { $0.outcome = "clientGone" }.isTroubled)
        #expect(trail { $0.bounces = 2 }.isTroubled)
        #expect(trail { $0.reason = .continued }.isTroubled)
        #expect(trail { $0.outcome = "failed: why" }.isTroubled)
        #expect(trail { $0.outcome = "interrupted: why" }.isTroubled)
    }

    @Test func aWayWithoutEndIsCutAndStillSound() {
        var trail = begun(candidates(3))
        for _ in 0..<(ReceiptTrail.marksKept + 20) {
            var journey = Journey()
            #expect(step(&trail, &journey) != nil)
            trail.ended(.refused(retryAfterSeconds: 1), now: 3_000)
        }
        #expect(trail.marks.count == ReceiptTrail.marksKept)
        #expect(trail.receipt(Choice()).decision?.isSound == true)
    }

    /// A cold start, or a broken answer: other candidates, of another number.
    @Test func itGoesOnAmongOthers() throws {
        var trail = begun(candidates(5))
        var journey = Journey()
        let first = try #require(step(&trail, &journey))
        trail.ended(.interrupted("it died"), now: 3_000)
        let others = Array(candidates(3).reversed())
        trail.begin(
            requestID: "req_1", user: "alice", entry: NodeID(site: "here", node: "h1"), needs: RequestNeeds(model: "m"),
            candidates: others, at: 9, now: 9)
        var second = Journey()
        let next = try #require(step(&trail, &second, now: 4_000))
        trail.ended(.answered, now: 5_000)
        let receipt = trail.receipt(Choice())
        let decision = try #require(receipt.decision)
        #expect(receipt.at == 1_764_083_176_123 && receipt.candidates.count == 5)
        #expect(decision.places.count == 5 && decision.steps[0].places == nil && decision.steps[1].places?.count == 3)
        #expect(decision.steps.map(\.loads.count) == [5, 3] && decision.replaysTheSame)
        #expect(
            trail.triedSites
                == ["s\(first.index)", others[next.index].node.site].reduce(into: []) { all, site in
                    if !all.contains(site) { all.append(site) }
                })
        #expect(try Receipt(json: Array(try #require(receipt.json).utf8)) == receipt)
    }

    @Test func clearingKeepsTheStorageAndNothingElse() {
        var trail = begun(candidates(40))
        var journey = Journey()
        _ = step(&trail, &journey)
        let (samples, marks) = (trail.samples.capacity, trail.marks.capacity)
        trail.clear()
        #expect(trail.samples.isEmpty && trail.marks.isEmpty && trail.candidates.isEmpty && trail.requestID.isEmpty)
        #expect(trail.samples.capacity == samples && trail.marks.capacity == marks && samples >= 40)
    }
}

@Suite struct UTCTextTests {
    @Test(arguments: [
        (UInt64(0), "1970-01-01T00:00:00.000Z"), (951_827_696_007, "2000-02-29T12:34:56.007Z"),
        (1_764_083_176_123, "2025-11-25T15:06:16.123Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func known(_ milliseconds: UInt64, _ text: String) {
        #expect(UTCText.text(milliseconds: milliseconds) == text)
        #expect(UTCText.milliseconds(text) == milliseconds)
    }

    @Test func thereAndBack() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<20_000 {
            let moment = random.next() % 253_402_300_800_000
            #expect(UTCText.milliseconds(UTCText.text(milliseconds: moment)) == moment)
        }
        #expect(UTCText.text(milliseconds: .max) == "9999-12-31T23:59:59.999Z")
    }

    @Test func fractionsOfAnyLength() {
        #expect(UTCText.milliseconds("1970-01-01T00:00:01Z") == 1000)
        #expect(UTCText.milliseconds("1970-01-01T00:00:01.5Z") == 1500)
        #expect(UTCText.milliseconds("1970-01-01T00:00:01.123456789Z") == 1123)
    }

    @Test(arguments: [
        "", "Z", "now", "2026-11-25", "2026-11-25T14:03:00", "2026-11-25T14:03:00+01:00", "2026-13-01T00:00:00Z",
        "2025-02-29T00:00:00Z", "2026-11-25T24:00:00Z", "2026-11-25T14:60:00Z", "2026-11-25T14:03:60Z",
        "1969-12-31T23:59:59Z",
        "2026-11-25T14:03:00.Z", "2026-11-25T14:03:00.x1Z", "2026-11-25 14:03:00Z", "2026-11-00T14:03:00Z",
        "+026-11-25T14:03:00Z", "2026-11-25T14:03:00.123456789012345Z",
    ])
    func nothingElse(_ text: String) { #expect(UTCText.milliseconds(text) == nil) }
}
