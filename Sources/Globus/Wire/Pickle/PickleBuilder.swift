/// Makes the value of a heap. Each object is measured and built once, however often it is named; what it would weigh written out
/// is bounded before anything is built, since whoever copies, compares or prints the value meets every mention of it.
struct PickleBuilder {
    /// What an object weighs written out, its parts included.
    private struct Weight {
        var items = 1
        var bytes = 0
        /// Levels of containers.
        var height = 0
    }

    private enum State {
        case unseen, open
        case weighed(Weight)
    }

    private let heap: PickleHeap
    private let limits: WireLimits
    /// One for each object of the heap.
    private var states: [State]
    private var built: [WireValue?]

    static func build(
        _ root: PickleHeap.Reference, of heap: PickleHeap, limits: WireLimits
    ) throws(WireError) -> WireValue {
        var builder = PickleBuilder(heap: heap, limits: limits)
        _ = try builder.weigh(root, depth: 0)
        return try builder.value(root)
    }

    private init(heap: PickleHeap, limits: WireLimits) {
        self.heap = heap
        self.limits = limits
        states = Array(repeating: .unseen, count: heap.objects.count)
        built = Array(repeating: nil, count: heap.objects.count)
    }

    private mutating func weigh(_ reference: PickleHeap.Reference, depth: Int) throws(WireError) -> Weight {
        let parts: [PickleHeap.Reference]
        switch heap[reference] {
        case .scalar(.string(let text)): return try checked(Weight(bytes: text.utf8.count), depth)
        case .scalar(.bytes(let bytes)): return try checked(Weight(bytes: bytes.count), depth)
        case .scalar: return Weight()
        case .list(let items), .tuple(let items), .dictionary(let items): parts = items
        }
        switch states[Int(reference)] {
        case .open: throw .unsupported("a pickle with a container that holds itself")
        case .weighed(let weight): return try checked(weight, depth)
        case .unseen: break
        }
        var weight = Weight(height: 1)
        _ = try checked(weight, depth)
        states[Int(reference)] = .open
        for part in parts {
            let added = try weigh(part, depth: depth + 1)
            weight.items += added.items
            weight.bytes += added.bytes
            weight.height = max(weight.height, added.height + 1)
            _ = try checked(weight, depth)
        }
        states[Int(reference)] = .weighed(weight)
        return weight
    }

    private func checked(_ weight: Weight, _ depth: Int) throws(WireError) -> Weight {
        guard weight.items <= limits.items else { throw .limit("a pickle with more than \(limits.items) values") }
        guard weight.bytes <= limits.expandedBytes else {
            throw .limit("a pickle with strings of more than \(limits.expandedBytes) bytes")
        }
        guard depth + weight.height <= limits.depth else { throw .limit("a pickle nested deeper than \(limits.depth)") }
        return weight
    }

    private mutating func value(_ reference: PickleHeap.Reference) throws(WireError) -> WireValue {
        if case .scalar(let value) = heap[reference] { return value }
        if let value = built[Int(reference)] { return value }
        let value: WireValue
        switch heap[reference] {
        case .scalar(let scalar): value = scalar
        case .list(let items): value = .list(try values(items))
        case .tuple(let items): value = .tuple(try values(items))
        case .dictionary(let entries): value = .dictionary(try pairs(entries))
        }
        built[Int(reference)] = value
        return value
    }

    private mutating func values(_ items: [PickleHeap.Reference]) throws(WireError) -> [WireValue] {
        var values: [WireValue] = []
        values.reserveCapacity(items.count)
        for item in items { values.append(try value(item)) }
        return values
    }

    private mutating func pairs(_ entries: [PickleHeap.Reference]) throws(WireError) -> [WirePair] {
        var dictionary = WireDictionary()
        for index in stride(from: 0, to: entries.count - 1, by: 2) {
            try dictionary.set(try value(entries[index]), try value(entries[index + 1]))
        }
        return dictionary.pairs
    }
}
