/// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291 §2.3).
struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// As written.
    var description: String
    private var bytes: [UInt8]
    private var prefixBits: Int

    /// A block with no address in it.
    static let none = AddressRange(description: "", bytes: [], prefixBits: 0)

    private init(description: String, bytes: [UInt8], prefixBits: Int) {
        self.description = description
        self.bytes = bytes
        self.prefixBits = prefixBits
    }

    /// Reads `10.0.0.0/8`, or a single address; nil where an address bit past the prefix is set, and for
    /// IPv4 written in IPv6.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let bytes = AddressBytes.parse(String(first)) else { return nil }
        guard AddressBytes.plain(bytes).count == bytes.count else { return nil }
        var bits = bytes.count * 8
        if parts.count == 2 {
            guard let written = HostAndPort.port(parts[1]), written <= bits else { return nil }
            bits = written
        }
        for bit in bits..<(bytes.count * 8) where bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 { return nil }
        self.init(description: text, bytes: bytes, prefixBits: bits)
    }

    /// Whether an address, given as text, lies in the block. IPv4 addresses written in IPv6 count as IPv4.
    func contains(_ address: String) -> Bool {
        guard let other = AddressBytes.parse(address).map(AddressBytes.plain), other.count == bytes.count else {
            return false
        }
        let whole = prefixBits / 8
        guard other[..<whole] == bytes[..<whole] else { return false }
        let rest = UInt8(prefixBits % 8)
        return rest == 0 || (other[whole] ^ bytes[whole]) >> (8 - rest) == 0
    }
}
