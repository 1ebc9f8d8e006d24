import Gossip
import Synchronization
import Testing

@testable import Routing

@Suite struct ReceiptRingTests {
    private func limits(_ edit: (inout ReceiptRing.Limits) -> Void) -> ReceiptRing.Limits {
        var limits = ReceiptRing.Limits()
        edit(&limits)
        return limits
    }

    private func candidates(_ count: Int) -> [Candidate] {
        (0..<count).map {
            Candidate(
                node: NodeID(site: "s\($0)", node: "n1"), isLocal: false, nodeState: .alive, isDraining: false,
                variant: Variant(id: "m", state: .running, backend: "openai"), load: LiveLoad())
        }
    }

    @discardableResult
    private func add(
        _ ring: ReceiptRing, _ name: String, _ candidates: [Candidate] = [], outcome: String = "answered"
    ) -> ReceiptTrail {
        var trail = ReceiptTrail()
        trail.begin(
            requestID: name, user: "u", entry: NodeID(site: "a", node: "a1"), needs: RequestNeeds(model: "m"),
            candidates: candidates, at: 0, now: 1)
        var journey = Journey()
        var random = SplitMix64(seed: 1)
        _ = trail.next(&journey, Choice(), for: RequestNeeds(model: "m"), now: 1, random: &random)
        trail.outcome = outcome
        ring.add(&trail)
        return trail
    }

    @Test func keepsTheLatestNewestFirst() {
        let ring = ReceiptRing(limits: limits { $0.count = 4 })
        for number in 0..<10 { add(ring, "r\(number)") }
        #expect(ring.latest(10).trails.map(\.requestID) == ["r9", "r8", "r7", "r6"])
        #expect(ring.latest(10).oldest == 7)
        #expect(ring.latest(2).trails.map(\.requestID) == ["r9", "r8"])
        #expect(ring.latest(2) { $0.requestID < "r9" }.trails.map(\.requestID) == ["r8", "r7"])
        #expect(ring.latest(-1).trails.isEmpty)
    }

    @Test func oneIsFoundByEitherId() {
        let ring = ReceiptRing(limits: limits { $0.count = 4 }, firstID: 1000)
        #expect(ring.find(id: 1000) == nil && ring.latest(1).oldest == 1000)
        for number in 0..<6 { add(ring, "r\(number)") }
        #expect(ring.find(id: 1005)?.requestID == "r5" && ring.find(id: 1002)?.requestID == "r2")
        for id: UInt64 in [0, 1, 1001, 1006, .max] { #expect(ring.find(id: id) == nil) }
        #expect(ring.find(requestID: "r3")?.id == 1003)
        #expect(ring.find(requestID: "r1") == nil)
    }

    @Test func itIsBoundedInBytes() {
        let ring = ReceiptRing(
            limits: limits {
                $0.count = 1000
                $0.bytes = 200_000
            })
        for number in 0..<600 {
            // A list of their own each: the view changes all the time.
            add(ring, "r\(number)", candidates(20))
            #expect(ring.size.bytes <= 200_000)
        }
        let held = ring.latest(1000).trails
        #expect(held.count == ring.size.count && held.count > 2 && held.count < 50)
        #expect(held.map(\.requestID) == (0..<held.count).map { "r\(599 - $0)" })
        // One that is too large by itself is there all the same: it is the latest.
        add(ring, "large", candidates(64), outcome: "failed: " + String(repeating: "x", count: 300_000))
        #expect(ring.latest(10).trails.map(\.requestID) == ["large"])
        add(ring, "small")
        #expect(ring.latest(10).trails.map(\.requestID) == ["small"])
    }

    @Test func aListThatManyShareIsCountedOnce() {
        let ring = ReceiptRing(limits: limits { $0.count = 100 })
        let shared = candidates(20)
        add(ring, "first", shared)
        let one = ring.size.bytes
        for number in 0..<300 { add(ring, "r\(number)", shared) }
        #expect(ring.size.count == 100)
        #expect(ring.size.bytes < one + 100 * 6000)
        // And given back: the count does not drift.
        for number in 0..<300 { add(ring, "e\(number)") }
        let empty = ring.size.bytes
        for number in 0..<300 { add(ring, "f\(number)", number % 2 == 0 ? shared : candidates(9)) }
        for number in 0..<300 { add(ring, "g\(number)") }
        #expect(ring.size.bytes == empty)
    }

    /// Once the ring is full, who adds a trail goes on with the storage of one that left.
    @Test func storageGoesRound() {
        let ring = ReceiptRing(limits: limits { $0.count = 16 })
        for number in 0..<16 { add(ring, "r\(number)", candidates(30)) }
        let back = add(ring, "more", candidates(30))
        #expect(back.samples.capacity >= 30 && back.samples.isEmpty && back.requestID.isEmpty)
    }

    @Test(arguments: [0, 0.01, 0.3, 1]) func theShareIsHandedOn(share: Double) {
        let kept = Mutex(0)
        let ring = ReceiptRing(limits: limits { $0.sampledShare = share }, firstID: 77) { _ in kept.withLock { $0 += 1 } }
        for number in 0..<10_000 { add(ring, "r\(number)") }
        let expected = 10_000 * share
        #expect((expected * 0.9...expected * 1.1).contains(Double(kept.withLock { $0 })))
    }

    @Test func whatWasAmissIsAlwaysHandedOn() {
        let kept = Mutex<[String]>([])
        let ring = ReceiptRing(limits: limits { $0.sampledShare = 0 }) { trail in
            kept.withLock { $0.append("\(trail.requestID) \(trail.id) \(trail.candidates.count)") }
        }
        add(ring, "good", candidates(3))
        add(ring, "bad", candidates(3), outcome: "failed: why")
        add(ring, "cut", candidates(3), outcome: "interrupted: why")
        #expect(kept.withLock { $0 } == ["bad 2 3", "cut 3 3"])
    }

    @Test func manyAtOnce() async {
        let ring = ReceiptRing(limits: limits { $0.count = 64 })
        let shared = candidates(5)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask { for number in 0..<500 { add(ring, "\(worker)-\(number)", shared) } }
            }
        }
        let (held, oldest) = ring.latest(100)
        #expect(held.count == 64 && oldest == 4000 - 63)
        #expect(held.map(\.id) == (oldest...4000).reversed().map { $0 })
    }
}
