/// A record and the signed token that proves it to others. Shared, never copied: a node holds thousands.
public final class SignedRecord: Sendable, Equatable {
    public let record: Record
    public let token: [UInt8]

    public init(record: Record, token: [UInt8]) {
        self.record = record
        self.token = token
    }

    public static func == (a: SignedRecord, b: SignedRecord) -> Bool {
        a === b || (a.token == b.token && a.record == b.record)
    }
}
