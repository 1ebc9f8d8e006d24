import Synchronization
import Testing

@testable import Routing

@Suite("How often a node tries again")
struct RetryBudgetTests {
    private static let minute: UInt64 = 60_000_000_000

    @Test("in a storm no more than a fifth of the requests, once the reserve is used up")
    func storm() {
        var budget = RetryBudget()
        var taken = 0
        for request in 1...100_000 {
            // All of it fails, three times over, within a second.
            for _ in 0..<3 where budget.take(requests: request, now: UInt64(request) * 10_000) { taken += 1 }
        }
        #expect((20_000...20_101).contains(taken))
    }

    @Test("a node with few requests has a few tries a minute")
    func few() {
        var budget = RetryBudget()
        while budget.take(requests: 0, now: 0) {}
        var taken = 0
        for second in 1...600 where budget.take(requests: 0, now: UInt64(second) * 1_000_000_000) { taken += 1 }
        #expect((99...100).contains(taken))
    }

    @Test("what is saved up is bounded, by time and by requests")
    func bounded() {
        var budget = RetryBudget()
        budget.settle(requests: 0, now: 1_000_000 * Self.minute)
        #expect(budget.balance == 100)
        budget.settle(requests: 1_000_000_000, now: 1_000_000 * Self.minute)
        #expect(budget.balance == 1000)
        budget.settle(requests: 1_000_000_000, now: 2_000_000 * Self.minute)
        #expect(budget.balance == 1000)
    }

    @Test("counts and clocks that go backwards give nothing")
    func backwards() {
        var budget = RetryBudget(now: Self.minute)
        while budget.take(requests: 10, now: Self.minute) {}
        for (requests, now) in [(0, 0), (0, Self.minute), (10, 0), (10, Self.minute)] {
            let isThere = budget.take(requests: requests, now: now)
            #expect(!isThere)
        }
    }

    @Test("the budget of all workers counts what it gives and what it does not")
    func shared() {
        let retries = Retries()
        for _ in 0..<10 { retries.began() }
        for _ in 0..<200 { _ = retries.take(now: 0) }
        #expect(retries.taken.load(ordering: .relaxed) == 102)
        #expect(retries.denied.load(ordering: .relaxed) == 98)
        #expect(!retries.hasAny(now: 0))
        #expect(retries.hasAny(now: Self.minute))
    }
}
