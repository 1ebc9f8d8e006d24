import Testing

@testable import Routing

@Suite struct HedgesTests {
    private func made(_ rule: HedgeRule, requests: Int, wanted: (Int) -> Bool = { _ in true }) -> Int {
        let hedges = Hedges()
        var made = 0
        for request in 1...requests where wanted(request) {
            if hedges.take(rule, requests: request, now: UInt64(request) * 1_000_000_000) { made += 1 }
            // At no time more than the share of those so far.
            guard Double(made) <= HedgeRule.mostShare * Double(request) else { return -1 }
        }
        return made
    }

    @Test func twoInAHundredAtMost() {
        #expect(made(HedgeRule(), requests: 10_000) == 200)
        #expect(made(HedgeRule(), requests: 49) == 0)
        #expect(made(HedgeRule(), requests: 50) == 1)
    }

    @Test func fewerWhereTheRuleSaysSo() { #expect(made(HedgeRule(share: 0.005), requests: 10_000) == 50) }

    /// A rule that came from elsewhere than a checked configuration.
    @Test func neverMoreThanTheMost() { #expect(made(HedgeRule(share: 1), requests: 10_000) == 200) }

    @Test func whatWasNotSpentIsSavedUpToALimit() {
        #expect(made(HedgeRule(), requests: 1010, wanted: { $0 > 900 }) == 20)
        #expect(made(HedgeRule(), requests: 100_000, wanted: { $0 > 99_800 }) == 103)
    }

    @Test func timeAloneGivesNothing() {
        let hedges = Hedges()
        #expect(!hedges.take(HedgeRule(), requests: 1, now: .max / 2))
    }
}
