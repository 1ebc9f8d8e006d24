import Testing

@testable import Globus

struct RequestWindowTests {
    private func window(_ seconds: [Double], kind: RequestKind = .submit, allowed: Int = 20) -> RequestWindow {
        var window = RequestWindow(allowed: allowed, seconds: 10)
        for at in seconds { window.take(kind, at: at.nanoseconds) }
        return window
    }

    @Test func forgetsExactlyAtItsEnd() {
        var window = window([1, 2])
        window.forget(at: 11.0.nanoseconds - 1)
        #expect(window.used == 2)
        window.forget(at: 11.0.nanoseconds)
        #expect(window.used == 1)
    }

    @Test func leavesTheReserveToPolls() {
        let window = window(Array(repeating: 1, count: 15))
        #expect(window.free(before: 0, keeping: 5, for: .poll) == 0)
        #expect(window.available(keeping: 0, for: .poll, now: 2.0.nanoseconds) == 2.0.nanoseconds)
        #expect(window.available(keeping: 5, for: .poll, now: 2.0.nanoseconds) == 11.0.nanoseconds)
    }

    @Test func pollsThatWereMadeCountForTheReserve() {
        var window = window(Array(repeating: 1, count: 10))
        for at in [2.0, 4, 6] { window.take(.poll, at: at.nanoseconds) }
        #expect(window.free(before: 0, keeping: 5, for: .poll) == 5)
    }

    /// Fifteen requests left and none leaves the window soon: two thirds of a second between them.
    @Test func spreadsWhatIsLeftEvenly() {
        #expect(window([0]).evenSeconds(since: 0, keeping: 5, for: .poll) == 10.0 / 15)
        #expect(window([]).evenSeconds(since: 0, keeping: 5, for: .poll) == 0)
    }

    /// What leaves the window is used as it leaves.
    @Test func anEvenUseStaysAsItIs() {
        let even = (0..<15).map { Double($0) * 10 / 15 }
        let window = window(even)
        let pace = window.evenSeconds(since: even[14].nanoseconds, keeping: 5, for: .poll)
        #expect(abs(pace - 10.0 / 15) < 1e-6)
    }

    @Test func aRateRisesSoonAndFallsLate() {
        var rate = ArrivalRate()
        let start = 100.0
        for index in 0..<10 { rate.count(at: (start + Double(index) * 0.1).nanoseconds) }
        #expect(rate.perSecond(at: (start + 1).nanoseconds) == 5)
        #expect(rate.perSecond(at: (start + 5).nanoseconds) == 1)
        #expect(rate.perSecond(at: (start + 20).nanoseconds) == 0)
    }
}
