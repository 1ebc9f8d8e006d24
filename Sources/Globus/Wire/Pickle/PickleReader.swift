/// Reads pickles of plain data (protocols 2 to 5) and nothing else: no opcode that names a class or calls anything is carried
/// out, so that no input can run code (GLOBUS.md §3.4).
///
/// Containers enter the memo before they are filled, and may be named again anywhere, so values are first collected in a
/// `PickleHeap`; `PickleHeap.value(of:)` then measures and builds the result.
struct PickleReader {
    let bytes: [UInt8]
    let limits: WireLimits
    var at = 0
    var heap = PickleHeap()
    var stack: [PickleHeap.Reference] = []
    /// Where the stack stood at each MARK.
    private var marks: [Int] = []
    private var memo: [UInt32: PickleHeap.Reference] = [:]

    static func read(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> WireValue {
        guard bytes.count <= limits.bytes else {
            throw .limit("a pickle of \(bytes.count) bytes; at most \(limits.bytes) are read")
        }
        var reader = PickleReader(bytes: bytes, limits: limits)
        let root = try reader.run()
        return try PickleBuilder.build(root, of: reader.heap, limits: limits)
    }

    private init(bytes: [UInt8], limits: WireLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    private mutating func run() throws(WireError) -> PickleHeap.Reference {
        while true {
            let opcode = try byte()
            if opcode == PickleOpcode.stop {
                guard stack.count == 1, marks.isEmpty else { throw malformed("STOP with other than one value on the stack") }
                return stack[0]
            }
            if try structural(opcode) { continue }
            if try container(opcode) { continue }
            guard let scalar = try scalar(opcode) else { throw refusal(of: opcode) }
            try make(.scalar(scalar))
        }
    }

    func malformed(_ what: String) -> WireError { .malformed("not a pickle at byte \(at): \(what)") }

    /// Opcodes that move what is there. False if it is none of them.
    private mutating func structural(_ opcode: UInt8) throws(WireError) -> Bool {
        switch opcode {
        case PickleOpcode.proto:
            let version = try byte()
            guard version <= 5 else { throw .unsupported("a pickle of protocol \(version); up to 5 are read") }
        case PickleOpcode.frame:
            let count = try length(byteCount: 8)
            guard count <= bytes.count - at else { throw malformed("a frame longer than what is there") }
        case PickleOpcode.memoize: try remember(UInt32(truncatingIfNeeded: memo.count))
        case PickleOpcode.binPut: try remember(UInt32(try littleEndian(1)))
        case PickleOpcode.longBinPut: try remember(UInt32(try littleEndian(4)))
        case PickleOpcode.binGet: try recall(UInt32(try littleEndian(1)))
        case PickleOpcode.longBinGet: try recall(UInt32(try littleEndian(4)))
        case PickleOpcode.mark:
            guard marks.count < limits.items else { throw .limit("a pickle with more than \(limits.items) marks") }
            marks.append(stack.count)
        case PickleOpcode.pop:
            // Behind a mark with nothing on it, POP takes the mark.
            if marks.last == stack.count { marks.removeLast() } else { _ = try popped() }
        default: return false
        }
        return true
    }

    /// Values count when they are made, too: those that are dropped again take room.
    mutating func make(_ object: PickleHeap.Object) throws(WireError) {
        guard heap.objects.count < limits.items else { throw .limit("a pickle with more than \(limits.items) values") }
        try push(heap.add(object))
    }

    mutating func push(_ reference: PickleHeap.Reference) throws(WireError) {
        guard stack.count < limits.items else { throw .limit("a pickle with more than \(limits.items) values") }
        stack.append(reference)
    }

    /// The topmost value, which must lie above the last mark.
    mutating func popped() throws(WireError) -> PickleHeap.Reference {
        guard stack.count > (marks.last ?? 0), let top = stack.popLast() else {
            throw malformed("a value is missing on the stack")
        }
        return top
    }

    /// The value below what was taken from a mark.
    func top() throws(WireError) -> PickleHeap.Reference {
        guard stack.count > (marks.last ?? 0), let top = stack.last else {
            throw malformed("a value is missing on the stack")
        }
        return top
    }

    /// Everything above the last mark, which goes too.
    mutating func poppedToMark() throws(WireError) -> [PickleHeap.Reference] {
        guard let mark = marks.popLast() else { throw malformed("a mark is missing") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    private mutating func remember(_ index: UInt32) throws(WireError) {
        memo[index] = try top()
        guard memo.count <= limits.memoEntries else {
            throw .limit("a pickle whose memo has more than \(limits.memoEntries) entries")
        }
    }

    private mutating func recall(_ index: UInt32) throws(WireError) {
        guard let reference = memo[index] else { throw malformed("the memo has no entry \(index)") }
        try push(reference)
    }
}
