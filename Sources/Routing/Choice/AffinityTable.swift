import Synchronization

/// Which place has last served what began alike: a table of fixed size for all workers, in which newer entries overwrite older ones.
public final class AffinityTable: Sendable {
    /// 40 bits of the key over the 24 bits of the place.
    private let cells: Mutex<[UInt64]>
    private let mask: UInt64

    /// - Parameter count: of entries: a power of two.
    public init(count: Int = 16_384) {
        precondition(count > 0 && count & (count - 1) == 0, "the number of entries is a power of two")
        cells = Mutex(Array(repeating: 0, count: count))
        mask = UInt64(count - 1)
    }

    /// The tag of the place that served it last; 0: not known.
    public func place(of key: UInt64) -> UInt32 {
        guard key != 0 else { return 0 }
        let value = cells.withLock { $0[Int(key & mask)] }
        return value >> 24 == key >> 24 ? UInt32(value & 0xff_ffff) : 0
    }

    public func served(_ key: UInt64, by tag: UInt32) {
        guard key != 0 else { return }
        cells.withLock { $0[Int(key & mask)] = key & ~0xff_ffff | UInt64(tag & 0xff_ffff) }
    }
}
