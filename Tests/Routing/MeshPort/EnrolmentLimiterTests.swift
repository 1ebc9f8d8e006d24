import Testing

@testable import Routing

@Suite struct EnrolmentLimiterTests {
    private static let second: UInt64 = 1_000_000_000

    private func limiter(_ change: (inout EnrolmentLimiter.Settings) -> Void = { _ in }) -> EnrolmentLimiter {
        var settings = EnrolmentLimiter.Settings()
        settings.perSecond = 1
        change(&settings)
        return EnrolmentLimiter(settings)
    }

    @Test func anAddressIsHeldBackAndComesBack() {
        let limiter = limiter { $0.burst = 3 }
        for _ in 0..<3 { #expect(limiter.refuses("a", now: 0) == nil) }
        #expect(limiter.refuses("a", now: 0) == 1)
        #expect(limiter.refuses("b", now: 0) == nil)
        #expect(limiter.refuses("a", now: Self.second) == nil)
        #expect(limiter.refuses("a", now: Self.second) == 1)
    }

    /// Loops differ a little in what they take for now.
    @Test func whoAsksByAnotherLoopGetsNoMore() {
        let limiter = limiter { $0.burst = 3 }
        for _ in 0..<3 { #expect(limiter.refuses("a", now: Self.second) == nil) }
        #expect(limiter.refuses("a", now: Self.second - 1) == 1)
        #expect(limiter.refuses("a", now: Self.second + 1) == 1)
    }

    @Test func allTogetherAreHeldBack() {
        let limiter = limiter { $0.burstOfAll = 10 }
        let refused = (0..<20).filter { limiter.refuses("a\($0)", now: 0) != nil }
        #expect(refused.count == 10)
        #expect(limiter.refuses("z", now: Self.second) == nil)
    }

    /// Whoever is refused for its own sake takes nothing from the others.
    @Test func oneDoesNotStarveTheOthers() {
        let limiter = limiter {
            $0.burst = 2
            $0.burstOfAll = 5
        }
        for _ in 0..<100 { _ = limiter.refuses("greedy", now: 0) }
        for index in 0..<3 { #expect(limiter.refuses("a\(index)", now: 0) == nil) }
    }

    @Test func memoryIsBounded() {
        let limiter = limiter { $0.addresses = 8 }
        for index in 0..<1000 { _ = limiter.refuses("a\(index)", now: UInt64(index) * Self.second) }
        #expect(limiter.addressesHeld <= 8)
    }
}
