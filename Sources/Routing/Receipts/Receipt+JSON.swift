import FoundationEssentials

extension Receipt {
    /// As `GET /mesh/receipts` gives it, every number exact; nil where one is none that JSON has.
    public var json: String? { Self.json(self) }

    /// - Throws: for what is no receipt of this program's.
    public init(json: some Sequence<UInt8>) throws { self = try JSONDecoder().decode(Receipt.self, from: Data(json)) }

    /// One line of JSON, its keys in order.
    public static func json(_ value: some Encodable) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) }
    }
}
