import Gossip

/// One exchange on its way, from its sender's directive to the reply or failure that the sender is told of.
struct Flight {
    var from: Int32
    var to: Int32
    /// The sender's life in which it was begun: a later one is told nothing of it.
    var epoch: UInt32
    /// Rises with each use of the slot, so that late events miss it.
    var tag: UInt32 = 0
    /// The request, then the reply.
    var message: Message
    /// Names it to the sender's machine; nil: sent by a hostile member past its machine.
    var exchange: ExchangeID?
    /// When the sender gives up.
    var deadline: UInt64
    /// The sender is still to be told.
    var isAwaited = true
    /// The receiver has still to handle it.
    var isUnderway = true
    var hasTimeout = false
    /// The connection was open already, to this life of the receiver.
    var keptEpoch: UInt32?
}

/// Slots for flights, used again and again.
struct Flights {
    private(set) var slots: [Flight] = []
    private var free: [Int32] = []

    var underway: Int { slots.count - free.count }

    mutating func add(_ flight: Flight) -> Int {
        var flight = flight
        if let slot = free.popLast() {
            flight.tag = slots[Int(slot)].tag &+ 1
            slots[Int(slot)] = flight
            return Int(slot)
        }
        slots.append(flight)
        return slots.count - 1
    }

    subscript(slot: Int) -> Flight {
        _read { yield slots[slot] }
        _modify { yield &slots[slot] }
    }

    /// Whether the event is still about the flight in this slot.
    func holds(_ event: Event) -> Bool { event.flight >= 0 && slots[Int(event.flight)].tag == event.tag }

    /// How many a sender awaits whose time is not over.
    func awaited(by node: Int, epoch: UInt32, at now: UInt64) -> Int {
        slots.reduce(0) { count, flight in
            let counts = flight.isAwaited && flight.exchange != nil && flight.from == node && flight.epoch == epoch
            return count + (counts && flight.deadline > now ? 1 : 0)
        }
    }

    /// Gives the slot back once neither end has anything to come.
    mutating func settle(_ slot: Int) {
        guard !slots[slot].isAwaited, !slots[slot].isUnderway else { return }
        slots[slot].message = Message(.ack)
        slots[slot].tag &+= 1
        free.append(Int32(slot))
    }
}
