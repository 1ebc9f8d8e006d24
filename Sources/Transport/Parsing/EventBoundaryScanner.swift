/// Where whole server-sent events end (WHATWG HTML §9.2.6: lines end in LF, CRLF or CR; a blank line ends an event).
///
/// The bytes given always begin where an event begins: at the stream's beginning, or after what was taken off. A CR that is
/// the last byte there ends its line at once; should its LF come later, it counts as a whole event of its own, which
/// whoever reads the stream takes for the rest of that CRLF.
public struct EventBoundaryScanner: Sendable {
    /// Up to where no further boundary can be found.
    private var scanned = 0
    /// The last boundary found.
    private var whole = 0

    public init() {}

    /// How many of the leading bytes are whole events, each with its blank line; 0: none is whole yet. An incomplete tail
    /// is not scanned twice: the next call must give the same bytes and more, less those told by `consumed`.
    public mutating func wholeEvents(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count > scanned else {
            return whole
        }
        // Backwards: only the last boundary matters, and mostly it is the last byte.
        var end = bytes.count
        while let at = Self.lastLineEnd(pointer, scanned, end) {
            if Self.endsBlankLine(pointer, at) {
                whole = at &+ 1
                break
            }
            end = at
        }
        scanned = bytes.count
        return whole
    }

    /// To be told when bytes are taken off the front.
    public mutating func consumed(_ count: Int) {
        scanned = max(0, scanned - count)
        whole = max(0, whole - count)
    }

    /// The last LF or CR in a range, eight bytes at a time.
    @inline(__always)
    private static func lastLineEnd(_ pointer: UnsafePointer<UInt8>, _ from: Int, _ to: Int) -> Int? {
        var end = to
        while end &- 8 >= from {
            let word = EightBytes.load(pointer + (end &- 8))
            let found = EightBytes.exactlyEqual(word, 10) | EightBytes.exactlyEqual(word, 13)
            if found != 0 { return end &- 1 &- found.leadingZeroBitCount &>> 3 }
            end &-= 8
        }
        while end > from {
            end &-= 1
            if pointer[end] == 10 || pointer[end] == 13 { return end }
        }
        return nil
    }

    /// Whether the line that ends with the line-end byte at `at` is blank: another line end, or the beginning, stands
    /// right before its own.
    @inline(__always)
    private static func endsBlankLine(_ pointer: UnsafePointer<UInt8>, _ at: Int) -> Bool {
        if at == 0 { return true }
        let isCRLF = pointer[at] == 10 && pointer[at &- 1] == 13
        let before = isCRLF ? at &- 2 : at &- 1
        return before < 0 || pointer[before] == 10 || pointer[before] == 13
    }
}
