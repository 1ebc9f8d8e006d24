import Gossip

/// A signed record of the simulated world: certificate, signature, the record in its canonical form, and zeros up to its size.
struct Token: Sendable {
    var certificate: Certificate
    /// By the root on the certificate.
    var certification: UInt64
    /// Where the registry may have it opened already.
    var number: UInt64
    var record: Record

    private static let magic: UInt64 = 0x6d73
    private static let signatureOffset = 36
    private static let recordOffset = 44

    /// - Parameters:
    ///   - key: of whoever signs; only the certificate's own passes.
    ///   - byteCount: of the whole token; longer if the record needs it.
    func bytes(signedWith key: UInt64, byteCount: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: max(byteCount, 256))
        writer.integer(Token.magic, width: 2)
        writer.integer(UInt64(certificate.node), width: 4)
        writer.integer(UInt64(certificate.key), width: 4)
        writer.integer(UInt64(certificate.root.rawValue), width: 2)
        writer.integer(certificate.notAfter, width: 8)
        writer.integer(certification, width: 8)
        writer.integer(number, width: 8)
        writer.integer(0, width: 8)
        CanonicalRecord.write(record, to: &writer)
        writer.pad(to: byteCount)
        let signature = Token.signature(of: writer.bytes, key: key)
        writer.replace(at: Token.signatureOffset, with: signature)
        return writer.bytes
    }

    /// Reads a token from anyone: its form is right, which proves nothing.
    static func read(_ bytes: [UInt8]) throws(RecordRefusal) -> (token: Token, signature: UInt64) {
        var reader = ByteReader(bytes)
        guard try reader.integer(width: 2) == magic else { throw .malformed }
        let node = UInt32(try reader.integer(width: 4))
        let key = UInt32(try reader.integer(width: 4))
        guard let root = Root(rawValue: UInt8(truncatingIfNeeded: try reader.integer(width: 2))) else { throw .malformed }
        let certificate = Certificate(node: node, key: key, root: root, notAfter: try reader.integer(width: 8))
        let certification = try reader.integer(width: 8)
        let number = try reader.integer(width: 8)
        let signature = try reader.integer(width: 8)
        let record = try CanonicalRecord.read(&reader)
        let token = Token(certificate: certificate, certification: certification, number: number, record: record)
        return (token, signature)
    }

    /// Where a token says that it may be found opened; nil: no token.
    static func number(in bytes: [UInt8]) -> UInt64? {
        guard bytes.count > recordOffset else { return nil }
        var value: UInt64 = 0
        for byte in bytes[28..<36] { value = value << 8 | UInt64(byte) }
        return value
    }

    /// Over all bytes but the signature's own.
    static func signature(of bytes: [UInt8], key: UInt64) -> UInt64 {
        var hash = KeyedHash(key: key)
        hash.add(bytes[..<signatureOffset])
        hash.add(bytes[recordOffset...])
        return hash.value
    }
}
