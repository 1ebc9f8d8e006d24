/// Signs our records and opens those of others. The shell implements it with JWS ES256, JSON and certificates.
public protocol RecordAuthority {
    /// Signs one of our own records with the node's key.
    func sign(_ record: Record) throws(SigningFailure) -> [UInt8]

    /// Checks a token and returns the record in it.
    ///
    /// - Parameters:
    ///   - token: at most `Settings.maximumRecordBytes` bytes, from anyone.
    ///   - identity: the identity that its origin has proven before, whose certificate signs the origin's other records;
    ///     nil where the token should hold an identity record, which carries its own certificate.
    /// - Throws: `malformed`, `badSignature`, `wrongOrigin` (signed by a key that is not the origin's), `unknownOrigin`,
    ///   `foreignFederation`, `expired` or `revoked`. What needs the view (stale, future-dated, …) the machine checks itself.
    func open(_ token: [UInt8], identity: Identity?) throws(RecordRefusal) -> Record

    /// As `open`, with the token: whoever opens for many machines may hand the same object to all.
    func openShared(_ token: [UInt8], identity: SignedRecord?) throws(RecordRefusal) -> SignedRecord
}

extension RecordAuthority {
    public func openShared(_ token: [UInt8], identity: SignedRecord?) throws(RecordRefusal) -> SignedRecord {
        SignedRecord(record: try open(token, identity: identity?.record.identity), token: token)
    }
}

/// Our own key could not sign.
public struct SigningFailure: Error, Hashable, Sendable {
    public var reason: String
    public init(_ reason: String) { self.reason = reason }
}

/// Why a record was not taken. Each cause has a counter of its own.
public enum RecordRefusal: String, Error, Hashable, CaseIterable, Sendable {
    /// Not a record, or its header says something other than its body.
    case malformed
    case badSignature
    /// A catalog or load whose origin's identity of that generation was not heard yet.
    case unknownOrigin
    case foreignFederation
    /// Its origin's certificate rests on nothing that is trusted here, or not yet.
    case untrusted
    /// A record by one node about another.
    case wrongOrigin
    case oversized
    /// Issued more than `Settings.futureLeewaySeconds` ahead of our clock.
    case futureDated
    /// Its certificate is past its end.
    case expired
    /// Its certificate, or its site's place, was revoked.
    case revoked
    /// The same version was signed with other contents.
    case equivocation
    /// Older than what we hold.
    case stale
    /// Of a generation that died or left: only a higher one returns.
    case buried
    /// No room for another node, or for more bytes.
    case full
}
