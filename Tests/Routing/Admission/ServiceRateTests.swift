import Testing

@testable import Routing

@Suite struct ServiceRateTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func nothingIsKnownBeforeASlotCameFree() {
        var rate = ServiceRate()
        #expect(rate.seconds(for: 1, slots: 2, now: 0) == nil)
        rate.becameFull(now: Self.second)
        #expect(rate.seconds(for: 1, slots: 2, now: 9 * Self.second) == nil)
    }

    @Test func aLineTakesAsLongAsSlotsNeedToComeFree() throws {
        var rate = ServiceRate()
        rate.becameFull(now: Self.second)
        for step in 1...20 as ClosedRange<UInt64> { rate.left(slots: 4, isFull: true, now: Self.second * (1 + 2 * step)) }
        let now = 41 * Self.second
        #expect(try #require(rate.seconds(for: 3, slots: 4, now: now)) == 6)
        // Twice the slots, half the wait.
        #expect(try #require(rate.seconds(for: 3, slots: 8, now: now)) == 3)
        // A server that does nothing for long is not taken for what it was.
        #expect(abs(try #require(rate.seconds(for: 1, slots: 4, now: now + 30 * Self.second)) - 10) < 1e-6)
    }

    @Test func whatIsFreeIsNoSignOfSlowness() throws {
        var rate = ServiceRate()
        rate.becameFull(now: Self.second)
        rate.left(slots: 1, isFull: false, now: 2 * Self.second)
        // An hour with nothing to do.
        #expect(try #require(rate.seconds(for: 1, slots: 1, now: 3600 * Self.second)) == 1)
        rate.becameFull(now: 3600 * Self.second)
        rate.left(slots: 1, isFull: true, now: 3601 * Self.second)
        #expect(try #require(rate.seconds(for: 1, slots: 1, now: 3601 * Self.second)) == 1)
    }

    @Test func aClockThatStandsStillSaysNothing() {
        var rate = ServiceRate()
        rate.becameFull(now: 5)
        rate.left(slots: 1, isFull: true, now: 5)
        #expect(rate.seconds(for: 1, slots: 1, now: 5) == nil)
    }
}
