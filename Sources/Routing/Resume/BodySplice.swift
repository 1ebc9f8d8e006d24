/// A change to a body on its way: what stands in a range of it gives way to other bytes. An empty range inserts.
struct BodySplice: Equatable {
    /// Relative to the body's start.
    let range: Range<Int>
    let bytes: [UInt8]

    init(_ range: Range<Int>, _ bytes: [UInt8]) {
        self.range = range
        self.bytes = bytes
    }

    init(at offset: Int, _ text: String) { self.init(offset..<offset, Array(text.utf8)) }

    /// How many bytes longer a body gets by it.
    var growth: Int { bytes.count - range.count }
}

extension [BodySplice] {
    /// With one more, in the order in which they stand. None overlaps another.
    func with(_ splice: BodySplice) -> [BodySplice] {
        (self + [splice]).sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// A body with all of them made.
    func made(in body: UnsafeRawBufferPointer) -> [UInt8] {
        var made: [UInt8] = []
        var at = 0
        for splice in self {
            made.append(contentsOf: body[at..<splice.range.lowerBound])
            made.append(contentsOf: splice.bytes)
            at = splice.range.upperBound
        }
        made.append(contentsOf: body[at...])
        return made
    }
}
