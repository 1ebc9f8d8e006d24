import COpenSSL

/// Keys at rest under a passphrase: PKCS #8 by PBES2 (RFC 8018), PBKDF2 with HMAC-SHA-256 and AES-256-CBC, all of them
/// FIPS-approved.
extension PrivateKey {
    /// Rounds of PBKDF2 (OWASP Password Storage Cheat Sheet, 2023, for HMAC-SHA-256).
    static let passphraseRounds: Int32 = 600_000
    /// Bytes of salt; SP 800-132 §5.1 asks for 16.
    private static let saltBytes: Int32 = 16
    /// Bytes of a passphrase. SP 800-132 leaves the least to whoever uses it; OpenSSL's FIPS module asks for 8.
    public static let passphraseBytes = 8...1024

    /// Writes the key encrypted, mode 0600.
    ///
    /// - Throws: `.limitExceeded` for a passphrase that is too short or too long.
    public func write(pemFile path: String, passphrase: [UInt8]) throws(TrustError) {
        guard Self.passphraseBytes.contains(passphrase.count) else {
            throw TrustError(
                .limitExceeded,
                "a passphrase has \(Self.passphraseBytes.lowerBound) to \(Self.passphraseBytes.upperBound) bytes, this one \(passphrase.count)"
            )
        }
        ERR_clear_error()
        guard let info = EVP_PKEY2PKCS8(handle) else { throw .library("write a key") }
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        guard
            let algorithm = PKCS5_pbe2_set_iv(
                EVP_aes_256_cbc(), Self.passphraseRounds, nil, Self.saltBytes, nil, NID_hmacWithSHA256)
        else { throw .library("encrypt a key") }
        let secret = passphrase.map { CChar(bitPattern: $0) }
        // Takes the algorithm over, unless it fails.
        guard let sealed = PKCS8_set0_pbe(secret, Int32(secret.count), info, algorithm) else {
            X509_ALGOR_free(algorithm)
            throw .library("encrypt a key")
        }
        defer { X509_SIG_free(sealed) }
        let sink = try MemoryBIO()
        guard PEM_write_bio_PKCS8(sink.pointer, sealed) == 1 else { throw .library("write a key") }
        try SecretFile.write(path, sink.bytes)
    }

    /// Reads a PEM file that its owner alone can read, encrypted or not.
    ///
    /// - Parameters:
    ///   - passphrase: asked for it only where the key is encrypted.
    ///   - anyKind: also a key that is not on P-256, which can sign certificates and nothing else here.
    /// - Throws: `.wrongPassphrase` where the passphrase does not open it; otherwise as `init(pemFile:)`.
    public static func load(
        pemFile path: String, anyKind: Bool = false, passphrase: () throws(TrustError) -> [UInt8]
    ) throws(TrustError) -> PrivateKey {
        var bytes = try SecretFile.read(path)
        defer { wipe(&bytes) }
        let isEncrypted = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"].contains {
            String(decoding: bytes, as: UTF8.self).contains($0)
        }
        let answer = PassphraseAnswer(isEncrypted ? try passphrase() : nil)
        let source = try MemoryBIO(bytes)
        ERR_clear_error()
        let found = withExtendedLifetime(answer) {
            PEM_read_bio_PrivateKey(source.pointer, nil, answerPassphrase, answer.pointer)
        }
        guard let found else {
            guard !isEncrypted else {
                throw TrustError(.wrongPassphrase, "the passphrase does not open \(path)")
            }
            throw TrustError(.unusableKey, "\(path) holds no private key in PEM: \(openSSLReason())")
        }
        let key = PrivateKey(adopting: found)
        guard anyKind || ES256.fits(found) else {
            throw TrustError(.unusableKey, "the key in \(path) is not on the curve P-256")
        }
        return key
    }
}

/// A passphrase for OpenSSL's question, wiped with its owner.
final class PassphraseAnswer {
    fileprivate var secret: [UInt8]
    fileprivate let isThere: Bool

    init(_ secret: [UInt8]?) {
        self.secret = secret ?? []
        isThere = secret != nil
    }

    deinit { wipe(&secret) }

    /// Valid as long as the object is.
    var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}

/// Gives OpenSSL the passphrase of a `PassphraseAnswer`; "there is none" without one.
let answerPassphrase: @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
    buffer, size, _, argument in
    guard let buffer, let argument else { return -1 }
    let answer = Unmanaged<PassphraseAnswer>.fromOpaque(argument).takeUnretainedValue()
    guard answer.isThere, answer.secret.count <= Int(size) else { return -1 }
    for (index, byte) in answer.secret.enumerated() { buffer[index] = CChar(bitPattern: byte) }
    return Int32(answer.secret.count)
}
