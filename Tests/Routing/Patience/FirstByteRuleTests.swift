import Testing

@testable import Routing

@Suite("How long a first byte is waited for")
struct FirstByteRuleTests {
    private static let second: UInt64 = 1_000_000_000
    private let configured = 300 * Self.second

    private func measured(_ seconds: [Double], tokens: Int = 100, every: UInt64 = Self.second) -> FirstByteEstimate {
        var estimate = FirstByteEstimate()
        for (index, taken) in seconds.enumerated() {
            estimate.add(seconds: taken, promptTokens: tokens, now: (UInt64(index) + 1) * every)
        }
        return estimate
    }

    private func patience(_ estimate: FirstByteEstimate, tokens: Int = 100, line: UInt64 = 0) -> Double {
        let patience = FirstByteRule().patience(estimate, promptTokens: tokens, line: line, configured: configured)
        return Double(patience) / 1e9
    }

    @Test("unmeasured, or hardly: as long as is configured", arguments: 0...4)
    func unmeasured(_ count: Int) {
        #expect(patience(measured(Array(repeating: 0.1, count: count))) == 300)
    }

    @Test(
        "four times what was measured, two seconds at least, as much as is configured at most",
        arguments: [
            (0.0, 2.0), (0.1, 2), (0.5, 2), (1, 4), (20, 80), (74, 296), (76, 300), (86_400, 300), (1e300, 300), (-5, 2),
        ])
    func factor(_ seconds: Double, _ expected: Double) {
        #expect(abs(patience(measured(Array(repeating: seconds, count: 5))) - expected) < 1e-6)
    }

    @Test(
        "a longer prompt has longer; a shorter one has no less",
        arguments: [(100, 4.0), (10, 4), (0, 4), (-7, 4), (200, 8), (1_000, 40), (100_000, 300), (.max, 300)])
    func prompt(_ tokens: Int, _ expected: Double) {
        #expect(abs(patience(measured(Array(repeating: 1, count: 5)), tokens: tokens) - expected) < 1e-6)
    }

    @Test(
        "what stands in line has as long as it may stand there",
        arguments: [(0, 4.0), (30, 34), (400, 300)] as [(UInt64, Double)])
    func line(_ seconds: UInt64, _ expected: Double) {
        #expect(patience(measured(Array(repeating: 1, count: 5)), line: seconds * Self.second) == expected)
        #expect(patience(measured(Array(repeating: 1, count: 5)), line: .max) == 300)
    }

    @Test("a slow answer counts at once, quick ones as time goes by")
    func peak() {
        var estimate = measured([1, 1, 1, 1, 10])
        #expect(estimate.seconds == 10)
        estimate.add(seconds: 1, promptTokens: 100, now: 6 * Self.second)
        #expect(estimate.seconds > 9)
        estimate.add(seconds: 1, promptTokens: 100, now: 66 * Self.second)
        #expect((5...6).contains(estimate.seconds))
        estimate.add(seconds: 1, promptTokens: 100, now: 100_000 * Self.second)
        #expect(estimate.seconds < 1.01)
    }

    @Test("what was left without a byte is not left as soon again")
    func learns() {
        var estimate = measured([0.1, 0.1, 0.1, 0.1, 0.1])
        #expect(patience(estimate) == 2)
        estimate.add(seconds: 2, promptTokens: 100, now: 7 * Self.second)
        #expect(patience(estimate) == 8)
    }

    @Test("clocks of two loops that differ a little do no harm")
    func backwards() {
        var estimate = measured([1, 1, 1, 1, 1], every: 10 * Self.second)
        estimate.add(seconds: 0.5, promptTokens: 100, now: 3)
        #expect(estimate.seconds == 1)
    }
}
