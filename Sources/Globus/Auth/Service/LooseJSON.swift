import FoundationEssentials

/// A JSON value whose members may be missing or of another type than expected: what is not understood is nil.
indirect enum LooseJSON: Decodable, Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case list([LooseJSON])
    case dictionary([String: LooseJSON])

    static func parse(_ bytes: [UInt8]) -> LooseJSON? { try? JSONDecoder().decode(LooseJSON.self, from: Data(bytes)) }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let found = try? value.decode(String.self) {
            self = .string(found)
        } else if let found = try? value.decode(Bool.self) {
            self = .bool(found)
        } else if let found = try? value.decode(Int64.self) {
            self = .integer(found)
        } else if let found = try? value.decode(Double.self) {
            self = .double(found)
        } else if let found = try? value.decode([String: LooseJSON].self) {
            self = .dictionary(found)
        } else {
            self = .list(try value.decode([LooseJSON].self))
        }
    }

    subscript(_ key: String) -> LooseJSON? { object?[key] }

    var object: [String: LooseJSON]? { if case .dictionary(let found) = self { found } else { nil } }
    var items: [LooseJSON]? { if case .list(let found) = self { found } else { nil } }
    var text: String? { if case .string(let found) = self { found } else { nil } }
    var truth: Bool? { if case .bool(let found) = self { found } else { nil } }

    /// The largest number that is believed, in whatever unit; seconds since 1970 in the year 33658. What is computed with it cannot
    /// overflow.
    static let largestCount: UInt64 = 1_000_000_000_000

    /// A whole number that is not negative, also written as text or with a point; at most `largestCount`.
    var count: UInt64? {
        let found: UInt64? =
            switch self {
            case .integer(let found): UInt64(exactly: found)
            case .double(let found):
                found >= Double(Self.largestCount) ? Self.largestCount : UInt64(exactly: found.rounded(.down))
            case .string(let found): UInt64(found)
            default: nil
            }
        return found.map { min($0, Self.largestCount) }
    }

    /// Texts of a list, or one text alone.
    var texts: [String] { text.map { [$0] } ?? items?.compactMap(\.text) ?? [] }
}
