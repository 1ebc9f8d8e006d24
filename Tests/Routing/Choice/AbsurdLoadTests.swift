import Testing

@testable import Routing

/// Load records come from peers: no number in them may harm who reads them.
@Suite struct AbsurdLoadTests {
    @Test(arguments: [
        (Int.min, 1, 0), (Int.max, Int.min, Int.min), (0, Int.max, Int.max), (-1, -1, -1), (Int.min, Int.max, Int.max),
    ])
    func absurdReportsAreNoTrap(_ slots: Int, _ running: Int, _ waiting: Int) {
        let load = LiveLoad()
        load.update(slots: slots, running: running, waiting: waiting, now: 5)
        let sample = load.sample()
        #expect((-2_000_000...1_000_000).contains(sample.free))
        #expect((-1_000_000...2_000_000).contains(-sample.free))
        #expect(sample.slots >= 0 && sample.running >= 0 && sample.waiting >= 0)
    }
}
