/// Small numbers by 64-bit hashes, which are spread evenly as they are and need no hashing of their own (linear probing, with
/// deletion by moving back: Knuth, TAOCP 6.4, algorithm R).
struct HashIndex: Sendable {
    private struct Place {
        var key: UInt64 = 0
        /// -1: nothing here.
        var value = -1
    }

    private var places: [Place]
    private(set) var count = 0

    /// - Parameter capacity: entries for which there is to be room.
    init(capacity: Int = 0) {
        var size = 8
        while size < capacity * 2 { size *= 2 }
        places = Array(repeating: Place(), count: size)
    }

    private var mask: Int { places.count - 1 }

    private func home(of key: UInt64) -> Int { Int(truncatingIfNeeded: key) & mask }

    /// Where a key is, or would be.
    private func place(of key: UInt64) -> Int {
        var place = home(of: key)
        while places[place].value >= 0, places[place].key != key { place = (place + 1) & mask }
        return place
    }

    subscript(key: UInt64) -> Int? {
        get {
            let value = places[place(of: key)].value
            return value >= 0 ? value : nil
        }
        set {
            if let newValue { set(newValue, for: key) } else { remove(key) }
        }
    }

    private mutating func set(_ value: Int, for key: UInt64) {
        precondition(value >= 0, "numbers of an index are not negative")
        var place = place(of: key)
        if places[place].value < 0 {
            if (count + 1) * 2 > places.count {
                grow()
                place = self.place(of: key)
            }
            count += 1
        }
        places[place] = Place(key: key, value: value)
    }

    private mutating func remove(_ key: UInt64) {
        var hole = place(of: key)
        guard places[hole].value >= 0 else { return }
        count -= 1
        places[hole].value = -1
        var next = (hole + 1) & mask
        while places[next].value >= 0 {
            // Whoever has its home outside of what lies between the hole and here was pushed past the hole, and moves back to it.
            if (next - home(of: places[next].key)) & mask >= (next - hole) & mask {
                places[hole] = places[next]
                places[next].value = -1
                hole = next
            }
            next = (next + 1) & mask
        }
    }

    private mutating func grow() {
        var larger = HashIndex(capacity: places.count)
        for place in places where place.value >= 0 { larger.set(place.value, for: place.key) }
        self = larger
    }
}
