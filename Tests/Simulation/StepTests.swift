import Gossip
import Testing

@testable import Simulation

@Suite struct StepTests {
    private func state(_ world: borrowing World, of node: Int, at observer: Int) -> NodeState? {
        world.sights[observer, node].state
    }

    private func world(_ scenario: Scenario, seed: UInt64 = 1) -> World {
        var world = World(scenario, seed: seed)
        world.run(progress: nil)
        return world
    }

    @Test func aPausedNodeIsUnreachableAndComesBack() {
        let paused = Scenario.calm(5, seconds: 50).naming(2).doing(Step(at: 10, .pause("n2")))
        #expect(state(world(paused), of: 2, at: 0) == .unreachable)
        let resumed = world(paused.doing(Step(at: 40, .resume("n2"))))
        #expect(resumed.failure == nil)
        #expect(state(resumed, of: 2, at: 0) == .alive)
        #expect(state(resumed, of: 0, at: 2) == .alive)
    }

    @Test func whoeverLeavesHasLeft() {
        let left = world(.calm(5, seconds: 30).naming(2).doing(Step(at: 10, .leave("n2"))))
        #expect(state(left, of: 2, at: 0) == .left)
        #expect(!left.nodes[2].isRunning)
        let back = world(
            .calm(5, seconds: 30).naming(2).doing(Step(at: 10, .leave("n2")), Step(at: 20, .start("n2", disk: .kept))))
        #expect(state(back, of: 2, at: 0) == .alive)
    }

    @Test(arguments: Step.Disk.allCases)
    func aNodeReturnsWhateverItsDiskHolds(disk: Step.Disk) {
        var scenario = Scenario.calm(5, seconds: 60).naming(2)
        for at in [10.0, 20, 30] {
            scenario = scenario.doing(
                Step(at: at, .crash("n2", isSilent: false)), Step(at: at + 2, .start("n2", disk: disk)))
        }
        // Its clock is a day behind for a while, so that no generation is above another by itself.
        scenario = scenario.doing(Step(at: 15, .clock("n2", offsetSeconds: -86_400, driftPartsPerMillion: 0)))
            .doing(Step(at: 40, .clock("n2", offsetSeconds: 0, driftPartsPerMillion: 0)))
            .expecting(.converged(after: nil, withinSeconds: 20))
        #expect(scenario.run().failure == nil)
    }

    @Test func aFullDiskKeepsWhatItHad() {
        let scenario = Scenario.calm(3, seconds: 40).naming(1).doing(
            Step(at: 5, .diskFull("n1", true)), Step(at: 10, .crash("n1", isSilent: false)),
            Step(at: 20, .start("n1", disk: .kept)))
        let full = world(scenario)
        #expect(full.nodes[1].disk.contents.generation == WallClock.beginning)
        #expect(full.nodes[1].life?.generation ?? 0 > WallClock.beginning)
        #expect(state(full, of: 1, at: 0) == .alive)
    }

    @Test func nodesHeldBackWaitForTheirStart() {
        let held = Scenario.calm(3, seconds: 20).naming(1).doing(Step(at: 0, .crash("n1", isSilent: false)))
        #expect(state(world(held), of: 1, at: 0) == nil)
        #expect(state(world(held.doing(Step(at: 10, .start("n1", disk: .kept)))), of: 1, at: 0) == .alive)
    }

    @Test func slowNodesAnswerLate() {
        let slow = Scenario.calm(4, seconds: 60).naming(1).doing(Step(at: 10, .slow("n1", seconds: 0.1...0.15)))
        let running = world(slow)
        let roundTrip = running.nodes[0].life?.machine.node(running.nodes[1].id)?.roundTripSeconds ?? 0
        #expect(roundTrip > 0.1)
        #expect(running.sights[0, 1].isAlive)
    }

    @Test func certificatesAreRenewedInTime() {
        var scenario = Scenario.calm(4, seconds: 3600).expecting(
            .converged(after: nil, withinSeconds: 30), .falseDeaths(atMost: 0, outside: nil, from: nil, to: nil))
        scenario.records.certificateSeconds = 1000
        let renewed = world(scenario)
        #expect(renewed.failure == nil)
        #expect(renewed.nodes.allSatisfy { $0.certificate.key >= 6 })
        // And without: nobody takes them any more.
        scenario.records.renewedAfter = nil
        #expect(scenario.run().failure != nil)
    }

    @Test func aRolloverOfTheRootKeepsTheMesh() {
        let scenario = Scenario.calm(4, seconds: 120).naming(0, 1, 2, 3).doing(
            Step(at: 10, .trust("all", oldRoot: true, newRoot: true)), Step(at: 20, .renew("n0", underNewRoot: true)),
            Step(at: 30, .renew("all", underNewRoot: true)), Step(at: 60, .trust("all", oldRoot: false, newRoot: true)),
            Step(at: 60, .mark("rolled"))
        ).expecting(
            .converged(after: "rolled", withinSeconds: 20), .falseDeaths(atMost: 0, outside: nil, from: nil, to: nil))
        #expect(scenario.run().failure == nil)
    }

    @Test func bothVersionsLiveInOneMesh() {
        let scenario = Scenario.calm(6, seconds: 60).naming(1, 2).doing(
            Step(at: 0, .version("n1", 1)), Step(at: 0, .version("n2", 1)),
            Step(at: 20, .publish("n1", .catalog, mark: "old")), Step(at: 30, .version("n2", 2))
        ).expecting(.seen(mark: "old", share: 1, withinSeconds: 3), .converged(after: nil, withinSeconds: 20))
        #expect(scenario.run().failure == nil)
    }

    @Test func theLastKnownMeshHelpsWhereSeedsAreGone() {
        var scenario = Scenario.calm(5, seconds: 60).naming(0)
        scenario.groups.append(NodeGroup(name: "others", members: .rest))
        scenario = scenario.doing(
            Step(at: 10, .crash("all", isSilent: true)), Step(at: 20, .start("others", disk: .kept)),
            Step(at: 20, .mark("again")))
        #expect(scenario.expecting(.converged(after: "again", withinSeconds: 20)).run().failure == nil)
        // Without its memory nobody finds anybody.
        let damaged = world(scenario.doing(Step(at: 15, .damageDisk("others"))))
        #expect(state(damaged, of: 3, at: 2) == nil)
    }
}
