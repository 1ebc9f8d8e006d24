/// A record and the signed token that proves it to others. Shared, never copied: a node holds thousands.
public final class SignedRecord: Sendable, Equatable {
    public let record: Record
    public let token: [UInt8]
    /// The highest version of the wire form that the origin of an identity speaks.
    let gossipVersion: UInt8
    /// Where the origin of an identity is reached. Beside the record, as it is needed for every message, and an identity is large.
    let mesh: String?
    package let certificate: String?

    public init(record: Record, token: [UInt8]) {
        self.record = record
        self.token = token
        let identity = record.identity
        gossipVersion = identity?.gossip ?? 1
        mesh = identity?.mesh
        certificate = identity?.certificate
    }

    public static func == (a: SignedRecord, b: SignedRecord) -> Bool {
        a === b || (a.token == b.token && a.record == b.record)
    }
}
