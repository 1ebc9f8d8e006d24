import COpenSSL
import Glibc

/// SHA-256 (FIPS 180-4) by OpenSSL's provider, and hexadecimal text.
public enum Digest {
    /// The digest of some bytes. Allocates nothing here after a thread's first call; OpenSSL 3.0 makes its own 112 bytes of state
    /// anew each time (measured: 0.12 µs for a token, with looking it up).
    public static func sha256(_ bytes: UnsafeRawBufferPointer) -> SHA256Digest {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { sha256(bytes, into: $0) }
        return SHA256Digest(words: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian))
    }

    /// Writes the 32 bytes of the digest to the beginning of `output`, which has room for them.
    public static func sha256(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
        precondition(output.count >= byteCount, "no room for a digest")
        let context = Workspace.ofThisThread()
        var count: UInt32 = 0
        // These fail only where the library itself is broken; a wrong digest would be worse than an end.
        precondition(
            EVP_DigestInit_ex2(context, Workspace.algorithm, nil) == 1
                && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                && EVP_DigestFinal_ex(context, output.bindMemory(to: UInt8.self).baseAddress, &count) == 1
                && count == byteCount,
            "OpenSSL cannot compute SHA-256")
    }

    /// The 32 bytes of the digest.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
            bytes.withUnsafeBytes { sha256($0, into: UnsafeMutableRawBufferPointer(buffer)) }
            filled = byteCount
        }
    }

    /// Lower-case hexadecimal digits, two a byte.
    public static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            for (index, byte) in bytes.enumerated() {
                buffer[index * 2] = digits[Int(byte >> 4)]
                buffer[index * 2 + 1] = digits[Int(byte & 15)]
            }
            return bytes.count * 2
        }
    }

    static let byteCount = 32

    /// One digest context a thread: OpenSSL's one-shot calls make and free one each time.
    private enum Workspace {
        // Written once, and the library's algorithm objects are immutable and reference counted.
        nonisolated(unsafe) static let algorithm: OpaquePointer = {
            guard let found = EVP_MD_fetch(nil, "SHA256", nil) else { preconditionFailure("OpenSSL offers no SHA-256") }
            return found
        }()

        static let key: pthread_key_t = {
            var key = pthread_key_t()
            let result = pthread_key_create(&key) { EVP_MD_CTX_free(OpaquePointer($0)) }
            precondition(result == 0, "no room for a thread's own value")
            return key
        }()

        static func ofThisThread() -> OpaquePointer {
            if let known = pthread_getspecific(key) { return OpaquePointer(known) }
            guard let made = EVP_MD_CTX_new() else { preconditionFailure("no memory for a digest") }
            pthread_setspecific(key, UnsafeRawPointer(made))
            return made
        }
    }
}
