import Testing

@testable import Transport

private final class Node: TimerNode {
    let name: Int
    init(_ name: Int) {
        self.name = name
        super.init()
    }
}

private let tick = TimerWheel.tick

@Suite struct TimerWheelTests {
    private func due(_ wheel: inout TimerWheel, _ now: UInt64) -> [Int] {
        var found: [TimerNode] = []
        wheel.advance(to: now, due: &found)
        return found.compactMap { ($0 as? Node)?.name }
    }

    @Test(arguments: [1, 15, 16, 100, 511, 512, 513, 3000]) func firesOnceNeverEarlyAndATickLateAtMost(ticks: UInt64) {
        var wheel = TimerWheel(now: 0)
        let node = Node(1)
        let deadline = ticks * tick + 5
        wheel.arm(node, at: deadline)
        var now: UInt64 = 0
        while now < deadline {
            #expect(due(&wheel, now).isEmpty)
            now += tick
        }
        #expect(due(&wheel, deadline + tick) == [1])
        #expect(due(&wheel, deadline + 5000 * tick).isEmpty)
        #expect(wheel.count == 0)
    }

    @Test func puttingOffFiresAtTheLaterTime() {
        var wheel = TimerWheel(now: 0)
        let node = Node(1)
        wheel.arm(node, at: 10 * tick)
        wheel.arm(node, at: 100 * tick)
        #expect(due(&wheel, 50 * tick).isEmpty)
        #expect(due(&wheel, 102 * tick) == [1])
    }

    @Test func bringingForwardFiresAtTheEarlierTime() {
        var wheel = TimerWheel(now: 0)
        let node = Node(1)
        wheel.arm(node, at: 400 * tick)
        wheel.arm(node, at: 3 * tick)
        #expect(due(&wheel, 5 * tick) == [1])
    }

    @Test func disarmedNeverFires() {
        var wheel = TimerWheel(now: 0)
        let nodes = (0..<3).map { Node($0) }
        for node in nodes { wheel.arm(node, at: 5 * tick) }
        wheel.disarm(nodes[1])
        #expect(Set(due(&wheel, 7 * tick)) == [0, 2])
    }

    @Test func thousandsFireInOrder() {
        var wheel = TimerWheel(now: 0)
        // Spread over four turns by a fixed multiplier (Knuth's).
        let deadlines = (1...5000).map { 1 + (UInt64($0) &* 2_654_435_761) % (2000 * tick) }
        let nodes = deadlines.enumerated().map { index, deadline in
            let node = Node(index)
            wheel.arm(node, at: deadline)
            return node
        }
        var fired = 0
        var now: UInt64 = 0
        while fired < nodes.count, now < 2100 * tick {
            now += 7 * tick
            for name in due(&wheel, now) {
                fired += 1
                #expect(deadlines[name] <= now)
                #expect(deadlines[name] + 9 * tick > now, "late by more than the step")
            }
        }
        #expect(fired == nodes.count)
    }

    @Test func waitTellsWhenTheNextSlotComes() {
        var wheel = TimerWheel(now: 0)
        #expect(wheel.wait(now: 0) == nil)
        wheel.arm(Node(1), at: 20 * tick)
        let wait = wheel.wait(now: 0) ?? 0
        #expect(wait >= 20 * tick && wait <= 22 * tick)
    }
}
