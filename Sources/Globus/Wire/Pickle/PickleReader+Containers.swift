extension PickleReader {
    /// Opcodes that make or fill a container. False if it is none of them.
    mutating func container(_ opcode: UInt8) throws(WireError) -> Bool {
        switch opcode {
        case PickleOpcode.emptyList: try make(.list([]))
        case PickleOpcode.emptyDictionary: try make(.dictionary([]))
        case PickleOpcode.emptyTuple: try make(.tuple([]))
        case PickleOpcode.append:
            let item = try popped()
            try append([item])
        case PickleOpcode.appends: try append(try poppedToMark())
        case PickleOpcode.setItem:
            let value = try popped()
            let key = try popped()
            try set([key, value])
        case PickleOpcode.setItems: try set(try poppedToMark())
        case PickleOpcode.tuple1: try tuple(1)
        case PickleOpcode.tuple2: try tuple(2)
        case PickleOpcode.tuple3: try tuple(3)
        case PickleOpcode.tuple:
            let items = try poppedToMark()
            try make(.tuple(items))
        default: return false
        }
        return true
    }

    private mutating func append(_ items: [PickleHeap.Reference]) throws(WireError) {
        guard heap.append(items, to: try top()) else { throw malformed("an append to what is not a list") }
    }

    private mutating func set(_ items: [PickleHeap.Reference]) throws(WireError) {
        guard items.count.isMultiple(of: 2) else { throw malformed("a key without a value") }
        guard heap.set(items, in: try top()) else { throw malformed("an item set in what is not a dictionary") }
    }

    private mutating func tuple(_ count: Int) throws(WireError) {
        var items: [PickleHeap.Reference] = []
        for _ in 0..<count { items.append(try popped()) }
        try make(.tuple(items.reversed()))
    }
}
