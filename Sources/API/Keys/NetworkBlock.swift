import Transport

/// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291 §2.3), from which a key may be used.
struct NetworkBlock: Sendable, Equatable {
    /// As written.
    let text: String
    private let bytes: [UInt8]
    private let bits: Int

    /// Reads `10.0.0.0/8` or a single address; nil for anything else, and where a bit past the prefix is set.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.utf8.count <= 64, let first = parts.first, let address = SocketAddress(literal: String(first), port: 0)
        else {
            return nil
        }
        var bits = address.bytes.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
                let written = Int(parts[1]),
                written <= bits
            else { return nil }
            bits = written
        }
        for bit in bits..<address.bytes.count * 8 where address.bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 { return nil }
        self.text = text
        bytes = address.bytes
        self.bits = bits
    }

    /// IPv4 written in IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
    func contains(_ address: SocketAddress) -> Bool {
        var other = address.bytes
        if other.count == 16, other[..<10].allSatisfy({ $0 == 0 }), other[10] == 0xff, other[11] == 0xff {
            other = Array(other[12...])
        }
        guard other.count == bytes.count else { return false }
        let whole = bits / 8
        guard other[..<whole] == bytes[..<whole] else { return false }
        let rest = UInt8(bits % 8)
        return rest == 0 || (other[whole] ^ bytes[whole]) >> (8 - rest) == 0
    }
}
