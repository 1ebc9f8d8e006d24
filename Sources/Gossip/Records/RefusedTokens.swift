/// The last tokens that were refused for what they are, so that the same from the same peer is not opened again. By peer: a token that
/// someone made to look like another's in here can only be refused from himself.
struct RefusedTokens: Sendable {
    private var ring: [(key: UInt64, cause: RecordRefusal)] = []
    private var next = 0
    static let kept = 64

    func cause(of token: [UInt8], from peer: UInt64) -> RecordRefusal? {
        guard !ring.isEmpty else { return nil }
        let key = RefusedTokens.key(token, peer)
        return ring.first { $0.key == key }?.cause
    }

    mutating func note(_ token: [UInt8], from peer: UInt64, _ cause: RecordRefusal) {
        // What depends on what else we know, or on the time, may be taken later.
        guard cause.penalty > 0, cause != .oversized else { return }
        let entry = (RefusedTokens.key(token, peer), cause)
        if ring.count < RefusedTokens.kept {
            ring.append(entry)
        } else {
            ring[next] = entry
            next = (next + 1) % RefusedTokens.kept
        }
    }

    private static func key(_ token: [UInt8], _ peer: UInt64) -> UInt64 {
        var hash = mix64(peer)
        for byte in token { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return mix64(hash)
    }
}
