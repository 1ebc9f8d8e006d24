import Testing

@testable import Routing

@Suite struct RecentTimesTests {
    private func times(_ seconds: [Double], promptTokens: Int = 10) -> RecentTimes {
        var times = RecentTimes()
        for second in seconds { times.add(seconds: second, promptTokens: promptTokens) }
        return times
    }

    @Test func ofAHundredFiveAreSlower() {
        let known = times((1...100).map(Double.init).shuffled())
        #expect(known.quantile(0.95, promptTokens: 100) == 95)
        #expect(known.quantile(1, promptTokens: 100) == 100)
        #expect(known.quantile(0.5, promptTokens: 100) == 50)
    }

    @Test func tooFewTellNothing() {
        #expect(times(Array(repeating: 1, count: RecentTimes.fewest - 1)).quantile(0.95, promptTokens: 100) == nil)
        #expect(times(Array(repeating: 1, count: RecentTimes.fewest)).quantile(0.95, promptTokens: 100) == 1)
        #expect(RecentTimes().quantile(0.95, promptTokens: 100) == nil)
    }

    @Test func longPromptsTellNothingOfShortOnes() {
        var known = times(Array(repeating: 1, count: 50))
        for _ in 0..<50 { known.add(seconds: 60, promptTokens: 5000) }
        #expect(known.quantile(0.95, promptTokens: 1024) == 1)
        #expect(known.quantile(0.95, promptTokens: 5000) == 60)
    }

    @Test func theLatestCount() {
        var known = times(Array(repeating: 60, count: 1000))
        for _ in 0..<RecentTimes.kept { known.add(seconds: 2, promptTokens: 10) }
        #expect(known.quantile(1, promptTokens: 10) == 2)
    }

    /// Of a clock, or of a peer's estimate of a prompt: whatever comes stays a number.
    @Test func absurdNumbersAreBounded() {
        var known = RecentTimes()
        for _ in 0..<RecentTimes.fewest {
            known.add(seconds: .nan, promptTokens: 1)
            known.add(seconds: -5, promptTokens: .min)
            known.add(seconds: .infinity, promptTokens: .max)
            known.add(seconds: 1e300, promptTokens: .max)
        }
        #expect(known.quantile(1, promptTokens: .max) == 86_400)
        #expect(known.quantile(0.01, promptTokens: .max) == 0)
    }
}
