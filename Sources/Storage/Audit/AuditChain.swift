public import Trust

/// How entries hang together: each hash is SHA-256 over the hash before and the entry, so that no entry can be changed, taken out
/// or put in without changing all hashes after it. The first hangs on who keeps the log.
///
/// Canonical bytes of an entry, integers big-endian, texts UTF-8 behind their length in 4 bytes:
/// `"meshnode-audit/1" ‖ previous hash (32) ‖ sequence (8) ‖ at (8) ‖ firstAt (8) ‖ count (8) ‖ kind ‖ actor ‖ subject ‖ detail`.
public enum AuditChain {
    private static let mark = "meshnode-audit/1"

    /// What the first entry of a node's log hangs on: `"meshnode-audit/1 genesis" ‖ federation ‖ site ‖ node`.
    public static func genesis(federation: String, site: String, node: String) -> SHA256Digest {
        var bytes = Array("\(mark) genesis".utf8)
        for text in [federation, site, node] { append(text, to: &bytes) }
        return bytes.withUnsafeBytes { Digest.sha256($0) }
    }

    static func hash(of entry: AuditEntry, after previous: SHA256Digest) -> SHA256Digest {
        var bytes = Array(mark.utf8) + previous.bytes
        bytes.reserveCapacity(
            160 + entry.kind.utf8.count + entry.actor.utf8.count + entry.subject.utf8.count + entry.detail.utf8.count)
        for number in [entry.sequence, entry.at, entry.firstAt, entry.count] { append(number, width: 8, to: &bytes) }
        for text in [entry.kind, entry.actor, entry.subject, entry.detail] { append(text, to: &bytes) }
        return bytes.withUnsafeBytes { Digest.sha256($0) }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt64(text.utf8.count), width: 4, to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    private static func append(_ number: UInt64, width: Int, to bytes: inout [UInt8]) {
        for shift in stride(from: (width - 1) * 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
    }
}
