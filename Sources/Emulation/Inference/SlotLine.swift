import Transport

/// The slots of a server and the line for them, first come first served.
///
/// Invariant: while anyone stands in line no slot is free. A slot given back goes straight to the first in line that is still there.
/// The line is as long as there are connections, 10,000 at most.
final class SlotLine {
    private let slots: Int
    private(set) var running = 0
    private var line: [Parking] = []

    init(slots: Int) {
        precondition(slots > 0, "a server has at least one slot")
        self.slots = slots
    }

    var waiting: Int { line.count }

    /// Waits for a slot; false when the client left or a day went by: then there is nothing to give back.
    func take(for client: Stream) async -> Bool {
        if running < slots {
            running += 1
            return true
        }
        let parking = Parking()
        line.append(parking)
        let outcome = await parking.wait(for: client, deadline: client.now &+ 86_400_000_000_000)
        if outcome == .granted { return true }
        line.removeAll { $0 === parking }
        return false
    }

    func give() {
        precondition(running > 0, "a slot is given back that was not taken")
        while !line.isEmpty {
            if line.removeFirst().grant() { return }
        }
        running -= 1
    }
}
