import COpenSSL

/// Unpredictable bytes from OpenSSL's generator, for tokens, serial numbers and names of temporary files.
public enum Random {
    /// `count` random bytes, 1 MiB at most.
    public static func bytes(_ count: Int) -> [UInt8] {
        precondition((0...1_048_576).contains(count), "random bytes are asked for in small counts")
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            ERR_clear_error()
            // Without randomness nothing here is safe: there is no sensible way on.
            precondition(RAND_bytes(buffer.baseAddress, Int32(count)) == 1, "OpenSSL gives no random bytes")
            filled = count
        }
    }

    /// A bearer token that cannot be guessed: 32 random bytes in base64url, 43 characters.
    public static func token() -> String { Base64.encodeURL(bytes(32)) }
}
