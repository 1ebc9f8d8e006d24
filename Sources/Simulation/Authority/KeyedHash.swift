import Gossip

/// A keyed hash of 64 bits, in the place of signatures: without the key a token that passes is not found in any run.
struct KeyedHash {
    private var state: UInt64

    init(key: UInt64) { state = mix64(key ^ 0x7369_676e_6564_2062) }

    mutating func add(_ word: UInt64) { state = mix64(state ^ word) &* 0x9e37_79b9_7f4a_7c15 }

    /// Eight bytes at a time; the rest with its length.
    mutating func add(_ bytes: ArraySlice<UInt8>) {
        var word: UInt64 = 0
        var filled = 0
        for byte in bytes {
            word = word << 8 | UInt64(byte)
            filled += 1
            if filled == 8 {
                add(word)
                word = 0
                filled = 0
            }
        }
        add(word ^ UInt64(filled) << 56)
    }

    var value: UInt64 { mix64(state) }
}

/// The secrets of the simulated world: whoever makes a token must be given the key to use.
struct Secrets: Sendable {
    let seed: UInt64

    func key(of node: UInt32, number: UInt32) -> UInt64 {
        mix64(seed ^ mix64(UInt64(node) << 32 | UInt64(number)))
    }

    func key(of root: Root) -> UInt64 { mix64(seed ^ 0x726f_6f74 ^ UInt64(root.rawValue) << 56) }

    func signature(on certificate: Certificate) -> UInt64 {
        var hash = KeyedHash(key: key(of: certificate.root))
        hash.add(UInt64(certificate.node) << 32 | UInt64(certificate.key))
        hash.add(certificate.notAfter)
        return hash.value
    }
}
