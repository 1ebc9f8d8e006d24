/// A table of at most so many entries; a new one takes the place of one that was not asked for lately (the clock algorithm).
struct BoundedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        var key: Key
        var value: Value
        var wasUsed = false
    }

    let capacity: Int
    private var places: [Key: Int] = [:]
    private var slots: [Slot] = []
    private var hand = 0

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { slots.count }

    mutating func find(_ key: Key) -> Value? {
        guard let place = places[key] else { return nil }
        slots[place].wasUsed = true
        return slots[place].value
    }

    mutating func update(_ key: Key, _ change: (inout Value) -> Void) {
        guard let place = places[key] else { return }
        change(&slots[place].value)
    }

    mutating func put(_ key: Key, _ value: Value) {
        if let place = places[key] {
            slots[place].value = value
        } else if slots.count < capacity {
            places[key] = slots.count
            slots.append(Slot(key: key, value: value))
        } else {
            while slots[hand].wasUsed {
                slots[hand].wasUsed = false
                hand = (hand + 1) % capacity
            }
            places[slots[hand].key] = nil
            slots[hand] = Slot(key: key, value: value)
            places[key] = hand
            hand = (hand + 1) % capacity
        }
    }

    mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        let last = slots.count - 1
        if place != last {
            slots[place] = slots[last]
            places[slots[place].key] = place
        }
        slots.removeLast()
        if hand >= slots.count { hand = 0 }
    }
}
