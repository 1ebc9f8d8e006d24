import Testing

@testable import Gossip

@Suite struct LossesTests {
    private let peer: UInt64 = 7

    @Test func onAGoodNetworkAFailureSaysMuch() {
        var losses = Losses()
        for other in UInt64(100)..<200 {
            losses.note(other, failed: false)
            losses.learn(failed: false)
        }
        #expect(losses.bits(against: peer) > 4)
        // What failed with the peer itself is the question, and no answer to it.
        for _ in 0..<10 { losses.note(peer, failed: true) }
        #expect(losses.bits(against: peer) > 4)
    }

    @Test func aNetworkThatHasJustTurnedBadIsSeenInTime() {
        var losses = Losses()
        for other in UInt64(100)..<200 {
            losses.note(other, failed: false)
            losses.learn(failed: false)
        }
        // By the last few, though only two of ten failed.
        for turn in 0..<10 { losses.note(UInt64(turn), failed: turn % 5 == 0) }
        #expect(losses.bits(against: peer) < 2)
        // And where luck has it that none of the last few did, by what was learned of those before.
        for _ in 0..<16 { losses.learn(failed: true) }
        for other in UInt64(100)..<116 {
            losses.note(other, failed: false)
            losses.learn(failed: false)
        }
        #expect(losses.bits(against: peer) < 3)
    }

    @Test(arguments: [false, true])
    func whatIsHeardOfADeadNodeByWayOfOthersIsTriedFirstWhereMuchIsLost(isLossy: Bool) throws {
        var bench = Bench()
        _ = bench.receive(bench.item("n0", .identity(identity(of: node("n0")))))
        let hash = node("n0").digestHash
        for _ in 0..<64 where isLossy { bench.machine.losses.learn(failed: true) }
        bench.machine.nodes.touch(hash) { $0.failedAt = bench.now }
        bench.machine.setState(hash, .suspect)
        bench.machine.setState(hash, .unreachable)
        _ = bench.receive(bench.item("n0", .identity(identity(of: node("n0"))), sequence: 2))
        #expect(bench.machine.nodes.state(of: hash) == (isLossy ? .suspect : .alive))
        guard isLossy else { return }
        // It does not answer: back to the verdict, without another round of witnesses.
        var ticks = 0
        while bench.machine.nodes.state(of: hash) == .suspect, ticks < 200 {
            _ = bench.tick(after: 0.1)
            ticks += 1
        }
        #expect(bench.machine.nodes.state(of: hash) == .unreachable)
    }
}
