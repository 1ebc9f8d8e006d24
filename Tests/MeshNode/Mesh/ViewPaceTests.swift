import Gossip
import Testing

@testable import MeshNode

private let node = NodeID(site: "alpha", node: "a1")
private let second: UInt64 = 1_000_000_000

@Suite struct ViewPaceTests {
    private func pace(_ changes: Change..., madeAt: UInt64 = 10 * second) -> ViewPace {
        var pace = ViewPace()
        pace.made(at: madeAt)
        for change in changes { pace.note(change) }
        return pace
    }

    @Test func theFirstViewIsDueAtOnce() {
        #expect(ViewPace().dueAt(nodes: 0) == 0)
    }

    /// Only for when each node was heard last.
    @Test(arguments: [(3, 5), (1000, 5), (4000, 20)])
    func nothingNewIsSeldomDue(nodes: Int, seconds: UInt64) {
        #expect(pace().dueAt(nodes: nodes) == (10 + seconds) * second)
    }

    @Test(arguments: [
        (3, UInt64(100_000_000)), (100, 100_000_000), (1000, second),
    ])
    func loadsWaitAsLongAsTheMeshIsLarge(nodes: Int, pause: UInt64) {
        #expect(pace(.record(node, .load)).dueAt(nodes: nodes) == 10 * second + pause)
    }

    @Test(arguments: [
        Change.record(node, .identity), .record(node, .catalog), .nodeState(node, from: .alive, to: .unreachable),
        .forgotten(node),
    ])
    func whatPeopleNoticeComesSoonAtAnySize(change: Change) {
        #expect(pace(change).dueAt(nodes: 1000) == 10 * second + 100_000_000)
        // Also after a load that could wait.
        #expect(pace(.record(node, .load), change).dueAt(nodes: 1000) == 10 * second + 100_000_000)
        #expect(pace(change, .record(node, .load)).dueAt(nodes: 1000) == 10 * second + 100_000_000)
    }

    @Test func whatIsDecidedHereHoldsAtOnce() {
        var pace = pace(.record(node, .load))
        pace.note(.now)
        #expect(pace.dueAt(nodes: 1000) == 0)
        pace.made(at: 11 * second)
        #expect(pace.dueAt(nodes: 1000) == 16 * second)
    }
}
