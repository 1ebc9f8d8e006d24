/// One of a gate's slots, taken; given back when this ends.
public struct Slot: ~Copyable, Sendable {
    private let gate: Gate

    /// The caller has entered the gate.
    init(of gate: Gate) { self.gate = gate }

    deinit { gate.leave() }
}

/// A slot that outlives its request: a task that nobody waits for still runs.
final class HeldSlot: Sendable {
    private let slot: Slot
    init(_ slot: consuming Slot) { self.slot = slot }
}
