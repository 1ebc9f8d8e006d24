import Glibc

/// A growable queue of bytes with one owner: taken at the front, added at the back.
///
/// Memory is allocated at the first byte and given back when a large buffer empties, so that an idle connection holds none.
/// Offsets that others keep are relative to `readable`'s start and survive growth.
public struct ByteBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var start = 0
    private var end = 0
    private var capacity = 0

    /// Above this, an emptied buffer gives its memory back.
    private static let keptCapacity = 65_536

    public init() {}

    deinit { base?.deallocate() }

    public var count: Int { @inline(__always) get { end &- start } }
    public var isEmpty: Bool { @inline(__always) get { end == start } }

    /// What is in the buffer; valid until the next mutation.
    public var readable: UnsafeRawBufferPointer {
        @inline(__always) get {
            guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
            return UnsafeRawBufferPointer(start: base + start, count: end &- start)
        }
    }

    /// What is in the buffer, to be changed in place.
    var mutableReadable: UnsafeMutableRawBufferPointer {
        guard let base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: base + start, count: end &- start)
    }

    /// Room after the last byte; at least `minimum`. Bytes put there count after `commit`.
    @inline(__always)
    mutating func room(_ minimum: Int) -> UnsafeMutableRawBufferPointer {
        if capacity &- end < minimum { grow(minimum) }
        return UnsafeMutableRawBufferPointer(start: base.unsafelyUnwrapped + end, count: capacity &- end)
    }

    @inline(__always)
    mutating func commit(_ added: Int) {
        precondition(added >= 0 && added <= capacity &- end, "more bytes committed than there was room for")
        end &+= added
    }

    @inline(__always)
    public mutating func consume(_ taken: Int) {
        precondition(taken >= 0 && taken <= count, "more bytes consumed than there are")
        start &+= taken
        if start == end { empty() }
    }

    public mutating func removeAll() {
        empty()
    }

    /// Gives all memory back.
    public mutating func release() {
        base?.deallocate()
        base = nil
        start = 0
        end = 0
        capacity = 0
    }

    private mutating func empty() {
        start = 0
        end = 0
        if capacity > Self.keptCapacity { release() }
    }

    private mutating func grow(_ minimum: Int) {
        let held = count
        if let base, capacity &- held >= minimum, start >= held {
            memcpy(base, base + start, held)
        } else {
            capacity = max(capacity &* 2, held &+ minimum, 4096)
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            if let base {
                memcpy(larger, base + start, held)
                base.deallocate()
            }
            base = larger
        }
        start = 0
        end = held
    }

    @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        memcpy(room(bytes.count).baseAddress.unsafelyUnwrapped, source, bytes.count)
        end &+= bytes.count
    }

    @inline(__always)
    public mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    public mutating func append(byte: UInt8) {
        room(1).storeBytes(of: byte, as: UInt8.self)
        end &+= 1
    }

    public mutating func append(decimal value: Int) {
        if value < 0 { append(byte: 45) }
        append(value.magnitude, radix: 10)
    }

    public mutating func append(hexadecimal value: Int) {
        append(value.magnitude, radix: 16)
    }

    private mutating func append(_ value: UInt, radix: UInt) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var rest = value
        var used = 0
        repeat {
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            digits[used] = digit < 10 ? 48 &+ digit : 87 &+ digit
            rest /= radix
            used &+= 1
        } while rest > 0
        let space = room(20)
        for position in 0..<used { space[position] = digits[used &- 1 &- position] }
        end &+= used
    }
}
