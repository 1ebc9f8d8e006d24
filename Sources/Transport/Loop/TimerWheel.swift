/// Something with a deadline, linked into a wheel. Deadlines are monotonic nanoseconds; `.max` is none.
public class TimerNode {
    final var deadline = UInt64.max
    fileprivate final var slot = -1
    fileprivate final var next: TimerNode?
    fileprivate final unowned(unsafe) var previous: TimerNode?

    init() {}

    /// Called on the loop once the deadline has passed.
    func expired() {}
}

/// All deadlines of one loop: 512 slots of 16 ms.
///
/// Putting off a deadline, which every read does, touches nothing: the node stays in its slot and is moved on when the slot
/// comes round. A deadline further away than the wheel's 8 s is met again at each turn.
struct TimerWheel: ~Copyable {
    private static let slotCount = 512
    /// Nanoseconds a slot: timers fire up to this much late.
    static let tick: UInt64 = 16_000_000

    private var slots: [TimerNode?] = Array(repeating: nil, count: slotCount)
    private var position: UInt64
    private(set) var count = 0

    init(now: UInt64) { position = now / Self.tick }

    /// Nanoseconds until a slot with a node in it comes round; nil without any.
    func wait(now: UInt64) -> UInt64? {
        guard count > 0 else { return nil }
        for step in 1...UInt64(Self.slotCount) where slots[Self.index(position &+ step)] != nil {
            let at = (position &+ step) &* Self.tick
            return at > now ? at &- now : 0
        }
        return nil
    }

    private static func index(_ tick: UInt64) -> Int { Int(truncatingIfNeeded: tick & UInt64(slotCount - 1)) }

    /// Sees that `node` fires at `deadline` (rounded up to a tick).
    mutating func arm(_ node: TimerNode, at deadline: UInt64) {
        let earlier = deadline < node.deadline
        node.deadline = deadline
        guard node.slot < 0 || earlier else { return }
        if node.slot >= 0 { unlink(node) }
        link(node)
    }

    mutating func disarm(_ node: TimerNode) {
        node.deadline = .max
        if node.slot >= 0 { unlink(node) }
    }

    private mutating func link(_ node: TimerNode) {
        let tick = min(max(node.deadline / Self.tick &+ 1, position &+ 1), position &+ UInt64(Self.slotCount - 1))
        let slot = Self.index(tick)
        node.slot = slot
        node.previous = nil
        node.next = slots[slot]
        slots[slot]?.previous = node
        slots[slot] = node
        count &+= 1
    }

    private mutating func unlink(_ node: TimerNode) {
        if let previous = node.previous { previous.next = node.next } else { slots[node.slot] = node.next }
        node.next?.previous = node.previous
        node.next = nil
        node.previous = nil
        node.slot = -1
        count &-= 1
    }

    /// Fires all that is due.
    mutating func advance(to now: UInt64, due: inout [TimerNode]) {
        let target = now / Self.tick
        guard count > 0, target &- position < 1 << 40 else {
            position = max(position, target)
            return
        }
        var turns = min(target &- position, UInt64(Self.slotCount))
        position = target &- turns
        while turns > 0 {
            turns &-= 1
            position &+= 1
            visit(Self.index(position), now: now, due: &due)
        }
    }

    private mutating func visit(_ slot: Int, now: UInt64, due: inout [TimerNode]) {
        var node = slots[slot]
        while let current = node {
            node = current.next
            unlink(current)
            if current.deadline <= now {
                current.deadline = .max
                due.append(current)
            } else if current.deadline != .max {
                link(current)
            }
        }
    }
}
