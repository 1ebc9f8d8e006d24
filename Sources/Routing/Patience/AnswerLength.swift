import CLinux
import Synchronization

/// How long a user's answers by a model have been of late.
struct AnswerLength: Sendable, Equatable {
    /// Fewer say nothing.
    static let fewest: UInt32 = 8
    /// Weight of the newest.
    private static let weight: Float = 0.1

    private(set) var count: UInt32 = 0
    private var mean: Float = 0
    private var deviation: Float = 0

    mutating func add(_ tokens: Int) {
        let tokens = Float(min(max(tokens, 0), 1 << 24))
        let distance = (tokens - mean).magnitude
        if count == 0 {
            mean = tokens
        } else {
            deviation += (distance - deviation) * Self.weight
            mean += (tokens - mean) * Self.weight
        }
        count = min(count + 1, Self.fewest)
    }

    /// Tokens that nearly all of them stay below: the mean and three times the mean deviation; nil: too few were seen.
    var most: Int? { count < Self.fewest ? nil : Int((mean + 3 * deviation).rounded(.up)) }

    /// What an answer that came whole says of its own length.
    static func told(in body: UnsafeRawBufferPointer) -> Int? {
        // Quotes inside strings are escaped, so this can only be a member.
        let name: StaticString = "\"completion_tokens\":"
        guard let base = body.baseAddress, let found = memmem(base, body.count, name.utf8Start, name.utf8CodeUnitCount)
        else {
            return nil
        }
        var at = UnsafeRawPointer(found) - base + name.utf8CodeUnitCount
        while at < body.count, body[at] == 32 { at += 1 }
        var value = 0
        var digits = 0
        while at < body.count, digits < 9, (48...57).contains(body[at]) {
            value = value * 10 + Int(body[at] - 48)
            at += 1
            digits += 1
        }
        return digits > 0 ? value : nil
    }
}

/// Those of all users: a table of fixed size for all workers, in which newer entries push out older ones.
public final class AnswerLengths: Sendable {
    private struct Cell {
        var key: UInt64 = 0
        var length = AnswerLength()
    }

    private let cells: Mutex<[Cell]>
    private let mask: UInt64

    /// - Parameter count: of entries: a power of two.
    public init(count: Int = 8192) {
        precondition(count > 0 && count & (count - 1) == 0, "the number of entries is a power of two")
        cells = Mutex(Array(repeating: Cell(), count: count))
        mask = UInt64(count - 1)
    }

    /// What a user and a model are kept by; never 0.
    public static func key(user: String, model: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(user)
        hasher.combine(model)
        return UInt64(bitPattern: Int64(hasher.finalize())) | 1
    }

    /// Tokens that nearly all of them stay below; nil: too few were seen.
    public func most(of key: UInt64) -> Int? {
        cells.withLock { cells in
            let cell = cells[Int(key >> 1 & mask)]
            return cell.key == key ? cell.length.most : nil
        }
    }

    /// - Parameter tokens: of one more answer.
    public func add(_ tokens: Int, to key: UInt64) {
        cells.withLock { cells in
            let index = Int(key >> 1 & mask)
            if cells[index].key != key { cells[index] = Cell(key: key) }
            cells[index].length.add(tokens)
        }
    }
}
