import FoundationEssentials

/// Any JSON value, for bodies whose shape depends on who wrote them.
enum LooseJSON: Decodable, Equatable {
    case null
    case truth(Bool)
    case number(Double)
    case text(String)
    case list([LooseJSON])
    case object([String: LooseJSON])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let truth = try? value.decode(Bool.self) {
            self = .truth(truth)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([LooseJSON].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: LooseJSON].self))
        }
    }

    /// nil if the bytes are no JSON.
    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(LooseJSON.self, from: Data(bytes)) else { return nil }
        self = value
    }

    subscript(key: String) -> LooseJSON? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// A string as it is, a number as people write it.
    var text: String? {
        switch self {
        case .text(let text): text
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        default: nil
        }
    }

    var integer: Int? {
        switch self {
        case .number(let number): Int(exactly: number)
        case .text(let text): Int(text)
        default: nil
        }
    }

    var items: [LooseJSON] { if case .list(let items) = self { items } else { [] } }
    var isObject: Bool { if case .object = self { true } else { false } }
}
