/// A made-up vector of length 1 that an input decides.
enum Embedding {
    static let dimensionsAllowed = 8...64
    static let defaultDimensions = 32

    static func vector(inputHash: UInt64, dimensions: Int) -> [Float] {
        precondition(dimensionsAllowed.contains(dimensions), "a made-up vector has 8 to 64 dimensions")
        var numbers = SeededNumbers(seed: inputHash)
        let raw = (0..<dimensions).map { _ in numbers.unit() * 2 - 1 }
        let length = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else { return [1] + Array(repeating: 0, count: dimensions - 1) }
        return raw.map { Float($0 / length) }
    }

    /// As a JSON array.
    static func array(_ vector: [Float]) -> String { "[" + vector.map { "\($0)" }.joined(separator: ",") + "]" }

    /// As OpenAI's `encoding_format` `base64`: little-endian 32-bit floats (RFC 4648 §4), with quotes.
    static func base64(_ vector: [Float]) -> String {
        let bytes = vector.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> ($0 * 8)) } }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = "\""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).reduce(UInt32(0)) { $0 << 8 | UInt32(start + $1 < bytes.count ? bytes[start + $1] : 0) }
            for digit in 0..<4 {
                text.append(start + digit <= bytes.count ? alphabet[Int(group >> (18 - 6 * UInt32(digit)) & 63)] : "=")
            }
        }
        return text + "\""
    }
}
