/// A SHA-256 digest (FIPS 180-4) as a value without storage elsewhere: a key for looking tokens up.
///
/// `==` takes the same time whatever differs.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// The digest's bytes, most significant first in each word.
    let words: (UInt64, UInt64, UInt64, UInt64)

    init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// - Parameter hex: 64 hexadecimal digits in either case; anything else gives nil.
    public init?(hex: String) {
        var words: [UInt64] = [0, 0, 0, 0]
        var count = 0
        for byte in hex.utf8 {
            guard count < 64, let digit = hexadecimalValue(byte) else { return nil }
            words[count / 16] = words[count / 16] << 4 | UInt64(digit)
            count += 1
        }
        guard count == 64 else { return nil }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String { Digest.hex(bytes) }

    /// The digest's 32 bytes.
    public var bytes: [UInt8] {
        let words = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return withUnsafeBytes(of: words) { Array($0) }
    }

    public var description: String { hex }

    public static func == (a: SHA256Digest, b: SHA256Digest) -> Bool {
        (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2) | (a.words.3 ^ b.words.3) == 0
    }

    public func hash(into hasher: inout Hasher) {
        // A digest is evenly spread: half of it is enough for a table.
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

private func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
