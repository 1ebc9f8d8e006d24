import COpenSSL

/// Base64 (RFC 4648 §4) and base64url without padding (§5), read strictly: one text for each byte sequence, and no other.
public enum Base64 {
    /// Bytes that are encoded or decoded at most at once.
    public static let maximumBytes = 64 << 20

    /// Standard alphabet with padding, on one line.
    public static func encode(_ bytes: [UInt8]) -> String { String(decoding: encoded(bytes), as: UTF8.self) }

    /// - Throws: `.malformedEncoding` for anything that `encode` would not have written, such as white space, missing
    ///   padding or unused bits that are not zero (RFC 4648 §3.5); `.limitExceeded`.
    public static func decode(_ text: String) throws(TrustError) -> [UInt8] { try decoded(Array(text.utf8)) }

    /// URL-safe alphabet, no padding.
    public static func encodeURL(_ bytes: [UInt8]) -> String { String(decoding: encodedURL(bytes), as: UTF8.self) }

    /// - Throws: as `decode`, and for padding.
    public static func decodeURL(_ text: String) throws(TrustError) -> [UInt8] { try decodedURL(Array(text.utf8)[...]) }

    static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count <= maximumBytes, "more than 64 MiB to encode")
        // One more for the zero that the library writes behind.
        return [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { buffer, filled in
            filled = Int(EVP_EncodeBlock(buffer.baseAddress, bytes, Int32(bytes.count)))
        }
    }

    static func encodedURL(_ bytes: [UInt8]) -> [UInt8] {
        var text = encoded(bytes)
        while text.last == UInt8(ascii: "=") { text.removeLast() }
        for index in text.indices {
            if text[index] == UInt8(ascii: "+") { text[index] = UInt8(ascii: "-") }
            if text[index] == UInt8(ascii: "/") { text[index] = UInt8(ascii: "_") }
        }
        return text
    }

    static func decodedURL(_ text: ArraySlice<UInt8>) throws(TrustError) -> [UInt8] {
        guard text.count <= maximumBytes else { throw tooLong }
        var standard = [UInt8](text)
        for index in standard.indices {
            switch standard[index] {
            case UInt8(ascii: "-"): standard[index] = UInt8(ascii: "+")
            case UInt8(ascii: "_"): standard[index] = UInt8(ascii: "/")
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): throw malformed
            default: break
            }
        }
        while !standard.count.isMultiple(of: 4) { standard.append(UInt8(ascii: "=")) }
        return try decoded(standard)
    }

    static func decoded(_ text: [UInt8]) throws(TrustError) -> [UInt8] {
        guard text.count <= maximumBytes else { throw tooLong }
        guard text.count.isMultiple(of: 4) else { throw malformed }
        guard !text.isEmpty else { return [] }
        let padding = text.suffix(2).reduce(0) { $0 + ($1 == UInt8(ascii: "=") ? 1 : 0) }
        var isDecoded = false
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { buffer, filled in
            ERR_clear_error()
            let count = Int(EVP_DecodeBlock(buffer.baseAddress, text, Int32(text.count)))
            isDecoded = count == text.count / 4 * 3
            filled = isDecoded ? count - padding : 0
        }
        // The library forgives white space and unused bits: what does not come out the same is not accepted.
        guard isDecoded, encoded(bytes) == text else { throw malformed }
        return bytes
    }

    private static let malformed = TrustError(.malformedEncoding, "not canonical base64 (RFC 4648)")
    private static let tooLong = TrustError(.limitExceeded, "more than 64 MiB of base64")
}
