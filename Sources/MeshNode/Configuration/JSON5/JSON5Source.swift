/// The scalars of a text and its lines. Reads strict UTF-8 only, with or without a byte order mark.
struct JSON5Source: Sendable {
    /// The longest text that is read.
    static let bytesAllowed = 1_048_576

    let scalars: [Unicode.Scalar]
    /// The index of the first scalar of each line. Lines end as editors count them: at LF, CR LF or CR.
    private let lineStarts: [Int]

    init(_ bytes: [UInt8]) throws(JSON5Error) {
        guard bytes.count <= Self.bytesAllowed else {
            let start = SourcePosition(line: 1, column: 1)
            throw JSON5Error(
                position: start, field: "",
                message: "the file is longer than 1 MiB (\(Self.bytesAllowed) bytes), the most allowed")
        }
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(bytes.count)
        var isWhole = true
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        reading: while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let encoded):
                scalars.append(Unicode.UTF8.decode(encoded))
            case .emptyInput:
                break reading
            case .error:
                isWhole = false
                break reading
            }
        }
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        self.scalars = scalars
        lineStarts = Self.lineStarts(of: scalars)
        if !isWhole {
            throw JSON5Error(
                position: position(of: scalars.count), field: "",
                message: "found bytes that are not UTF-8; allowed: a text in UTF-8")
        }
    }

    /// Where the scalar of this index stands; the end of the text has a position too.
    func position(of index: Int) -> SourcePosition {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= index { low = middle } else { high = middle }
        }
        return SourcePosition(line: low + 1, column: index - lineStarts[low] + 1)
    }

    private static func lineStarts(of scalars: [Unicode.Scalar]) -> [Int] {
        var starts = [0]
        for (index, scalar) in scalars.enumerated() {
            let endsLine = scalar == "\n" || (scalar == "\r" && (index + 1 == scalars.count || scalars[index + 1] != "\n"))
            if endsLine { starts.append(index + 1) }
        }
        return starts
    }
}
