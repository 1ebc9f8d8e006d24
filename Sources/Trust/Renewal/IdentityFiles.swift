import Glibc

/// A node's certificate and key on disk, replaced as a pair so that a crash at any moment leaves a pair that belongs together.
///
/// The new key lies in `KEYFILE.next` before anybody is asked for its certificate. Then the certificate file is replaced
/// whole, then the key renamed. A start in between finds a certificate that belongs to the key in `.next`, and renames.
public struct IdentityFiles: Sendable {
    public let certificateFile: String
    public let keyFile: String
    /// Where the key of a renewal under way lies.
    public var nextKeyFile: String { keyFile + ".next" }

    /// A node's certificate, those of its issuers that peers do not have, and its key.
    public struct Identity: Sendable {
        public let certificate: Certificate
        public let issuers: [Certificate]
        public let key: PrivateKey

        public init(certificate: Certificate, issuers: [Certificate], key: PrivateKey) {
            self.certificate = certificate
            self.issuers = issuers
            self.key = key
        }
    }

    public init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    /// Reads the pair, and completes a renewal that was cut short.
    ///
    /// - Throws: `TrustError` naming the file that cannot be used; `.unusableKey` if the two do not belong together.
    public func load() throws(TrustError) -> Identity {
        let chain = try Certificate.load(pemFile: certificateFile)
        guard let certificate = chain.first else {
            throw TrustError(.unusableCertificate, "\(certificateFile) holds no certificate")
        }
        if access(nextKeyFile, F_OK) == 0, let next = try? PrivateKey(pemFile: nextKeyFile), certificate.belongs(to: next) {
            try adoptNextKey()
        }
        let key = try PrivateKey(pemFile: keyFile)
        guard certificate.belongs(to: key) else {
            throw TrustError(.unusableKey, "key \(keyFile) does not belong to certificate \(certificateFile)")
        }
        return Identity(certificate: certificate, issuers: Array(chain.dropFirst()), key: key)
    }

    /// Makes the key of a renewal and writes it down. One left by an earlier try is replaced: nobody certified it.
    public func stageKey() throws(TrustError) -> PrivateKey {
        let key = try PrivateKey.generate()
        try key.write(pemFile: nextKeyFile)
        return key
    }

    /// Puts the renewed pair in place, the certificate first.
    ///
    /// - Throws: `.unusableKey` if the key is not the staged one's; `.file`.
    public func commit(_ identity: Identity) throws(TrustError) {
        let staged = try PrivateKey(pemFile: nextKeyFile)
        guard identity.certificate.belongs(to: staged) else {
            throw TrustError(.unusableKey, "the new certificate does not belong to the key in \(nextKeyFile)")
        }
        try identity.certificate.write(pemFile: certificateFile, issuers: identity.issuers)
        try adoptNextKey()
    }

    private func adoptNextKey() throws(TrustError) {
        // Whoever else read the pair at this moment, such as the doctor, may have done it already.
        guard rename(nextKeyFile, keyFile) == 0 || errno == ENOENT && access(keyFile, F_OK) == 0 else {
            throw OpenFile.failure("replace", keyFile, errno)
        }
        let folder = open(OpenFile.directory(of: keyFile), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }
}
