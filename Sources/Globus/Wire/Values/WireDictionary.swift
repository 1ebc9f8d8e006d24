/// Collects the entries of a dictionary as Python does: of equal keys the last value wins, and keeps the first one's place.
struct WireDictionary {
    /// Keys as Python hashes them: 1, 1.0 and True are one key, and strings differ by their scalars. An integer beyond 64 bits
    /// and a float that happens to equal it count as two.
    enum Key: Hashable {
        case null
        case integer(Int64)
        case largeInteger(String)
        case double(Double)
        case string([UInt8])
        case bytes([UInt8])
        case tuple([Key])

        init(_ value: WireValue) throws(WireError) {
            switch value {
            case .null: self = .null
            case .bool(let value): self = .integer(value ? 1 : 0)
            case .integer(let value): self = .integer(value)
            case .largeInteger(let digits): self = .largeInteger(digits)
            case .double(let value): self = Int64(exactly: value).map { .integer($0) } ?? .double(value)
            case .string(let text): self = .string(Array(text.utf8))
            case .bytes(let bytes): self = .bytes(bytes)
            case .tuple(let items):
                var keys: [Key] = []
                keys.reserveCapacity(items.count)
                for item in items { keys.append(try Key(item)) }
                self = .tuple(keys)
            case .list, .dictionary: throw .malformed("a list or a dictionary stands as a dictionary's key")
            }
        }
    }

    private(set) var pairs: [WirePair] = []
    private var places: [Key: Int] = [:]

    mutating func set(_ key: WireValue, _ value: WireValue) throws(WireError) {
        let hashed = try Key(key)
        if let place = places[hashed] {
            pairs[place].value = value
        } else {
            places[hashed] = pairs.count
            pairs.append(WirePair(key: key, value: value))
        }
    }
}
